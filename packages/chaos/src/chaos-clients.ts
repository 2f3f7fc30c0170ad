import { setTimeout as sleep } from 'node:timers/promises'
import { Clients } from '@timers/lab'
import { keyFor, type PlannedCreate, type PlannedRedrive } from './load-plan.ts'

/** Waits before the second, third... try, in milliseconds. */
const TRY_AGAIN_AFTER_MS = [300, 1_000, 2_500]

/** How many timers a client looks at for one that has failed, or whose end is unknown. */
const LOOKS = 8
/** Only timers that may have come to their end are looked at. */
const ENDED_AFTER_MS = 500
const ENDED_WITHIN_MS = 30_000

/** Clients that try again where nothing was promised, and have timers sent again that came to nothing. */
export class ChaosClients extends Clients {
  /** Creates one timer, with new tries at another API where one fails. Never rejects. */
  async create(
    planned: PlannedCreate,
    urlFor: (create: PlannedCreate, key: string) => string,
  ): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      const key = keyFor(planned, tries)
      const { acknowledged } = await this.ask({ ...planned, key, url: urlFor(planned, key) })
      const waitMs = TRY_AGAIN_AFTER_MS[tries]
      if (acknowledged !== undefined || waitMs === undefined) return
      await sleep(waitMs)
    }
  }

  /**
   * Looks for a timer that has failed, or whose end is unknown, and wants it to be sent again: as many clients as planned at
   * the same time, `beside` something that is done meanwhile.
   */
  async redriveOne(
    { clients, dice }: PlannedRedrive,
    isDone: (key: string) => boolean,
    beside: () => Promise<void>,
  ): Promise<void> {
    const now = Date.now()
    const ended = this.acknowledged.filter(({ key, acknowledged }) => {
      const agoMs = now - (acknowledged?.dueAt ?? now)
      return agoMs > ENDED_AFTER_MS && agoMs < ENDED_WITHIN_MS && !isDone(key)
    })
    for (let looks = 0; looks < Math.min(LOOKS, ended.length); looks += 1) {
      const id = ended[(Math.floor(dice * ended.length) + looks) % ended.length]?.acknowledged?.id ?? 0
      const view = await this.look(id)
      if (view?.status !== 'failed' && view?.status !== 'unknown') continue
      await Promise.all([beside(), ...Array.from({ length: clients }, () => this.redrive(id))])
      return
    }
  }
}
