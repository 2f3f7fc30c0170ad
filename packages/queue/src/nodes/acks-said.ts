import type { Log } from '@timers/core'

/** How often it is said that replicas still do not confirm, in milliseconds. */
const SAY_AGAIN_MS = 10_000

/** Says that the replicas of a server do not confirm what is written, and that they do again: not once for each command. */
export class AcksSaid {
  readonly #log: Log
  readonly #fields: object
  #saidAt: number | undefined

  /** @param fields of every line */
  constructor(log: Log, fields: object) {
    this.#log = log
    this.#fields = fields
  }

  refused(fields: object): void {
    const now = performance.now()
    if (this.#saidAt !== undefined && now - this.#saidAt < SAY_AGAIN_MS) return
    this.#saidAt = now
    this.#log.warn(
      { ...this.#fields, ...fields },
      'too few replicas confirm what is written: changes are refused, and claims wait',
    )
  }

  confirmed(): void {
    if (this.#saidAt === undefined) return
    this.#saidAt = undefined
    this.#log.info(this.#fields, 'replicas confirm again what is written')
  }
}
