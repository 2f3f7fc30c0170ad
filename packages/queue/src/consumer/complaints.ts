import type { Log } from '@timers/core'
import { errorFields } from '../nodes/error-fields.ts'
import { storeErrorKind } from '../timers/store-error.ts'

/** A wait that was broken off because its shard is served by another node: it goes on there. */
const SHARD_HAS_MOVED = /^(MOVED|ASK|TRYAGAIN|UNBLOCKED|CLUSTERDOWN)\b/

/** What BullMQ's Workers complain of. */
export class Complaints {
  readonly #log: Log
  #last: string | undefined

  constructor(log: Log) {
    this.#log = log
  }

  /** The last one, until a timer is taken again. */
  get last(): string | undefined {
    return this.#last
  }

  /** It goes on: the next complaint is a new one. */
  settle(): void {
    this.#last = undefined
  }

  /** Says it once: lost connections are told of by the connections themselves. */
  say(error: Error): void {
    const kind = storeErrorKind(error)
    const known =
      kind === 'unreachable' ||
      kind === 'closed' ||
      SHARD_HAS_MOVED.test(error.message) ||
      /could not renew lock/.test(error.message)
    if (known || error.message === this.#last) {
      this.#log.debug(errorFields(error), 'bullmq worker error')
      return
    }
    this.#last = error.message
    this.#log.error(errorFields(error), 'timers may not be taken: bullmq worker error')
  }
}
