import type { Log } from '@timers/core'
import { errorFields } from '../nodes/error-fields.ts'
import { Growth } from './growth.ts'
import type { Shards } from './shards.ts'

/** How long whoever adds shards may take for it, as seen from here, before it is gone on with; in milliseconds. */
const LEFT_AFTER_MS = 30_000

/** Goes on with adding shards where somebody has left it half way, and where the numbers of a layout have come to their end. */
export class GrowthWatch {
  readonly #shards: Shards
  readonly #log: Log
  #timer: NodeJS.Timeout | undefined
  #working = false
  #stopped = false

  constructor(shards: Shards, log: Log) {
    this.#shards = shards
    this.#log = log
    shards.layouts.onChange(() => this.#look())
    shards.layouts.onIdsEnded(() => void this.#work((growth) => this.#afterTheEnd(growth)))
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #look(): void {
    const { layouts, settled } = this.#shards.layouts
    clearTimeout(this.#timer)
    if (layouts.number === settled || this.#stopped) return
    this.#timer = setTimeout(() => void this.#work((growth) => growth.finish()), LEFT_AFTER_MS)
    this.#timer.unref()
  }

  async #afterTheEnd(growth: Growth): Promise<void> {
    const before = this.#shards.layouts.layouts.number
    await this.#shards.layouts.refresh()
    const { layouts, settled } = this.#shards.layouts
    if (layouts.number > settled) await growth.finish()
    else if (layouts.number === before) await growth.renew()
  }

  async #work(work: (growth: Growth) => Promise<void>): Promise<void> {
    if (this.#working || this.#stopped) return
    this.#working = true
    this.#log.info({}, 'going on with adding shards, which was left half way')
    try {
      await work(new Growth(this.#shards, { tell: (step) => this.#log.info({}, `adding shards: ${step}`) }))
    } catch (error) {
      this.#log.warn(errorFields(error), 'adding shards could not be gone on with: to be tried again')
      if (!this.#stopped) this.#look()
    } finally {
      this.#working = false
    }
  }
}
