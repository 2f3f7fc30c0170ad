import { type Created, type Log, type NewTimerRequest, TimerError } from '@timers/core'
import type { Shard, Shards } from '../shards/shards.ts'
import type { NewTimer } from './client-commands.ts'
import { born, createdBy, idempotencyWord, keyWord, unborn } from './creation.ts'
import { FIRST_LOOK_MS, isGuarding } from './guards.ts'
import { doubted, keyReused } from './refusal.ts'

/** How many ids are tried where Redis hands out some that are taken (after a failover), before it is given up. */
export const MOST_IDS = 3

/** A request that may be sent again. */
interface Asked {
  readonly digest: string
  readonly fingerprint: string
}

/** Creates timers, each with an id that was minted for it, in the shard where it belongs. */
export class TimerCreator {
  readonly #shards: Shards
  readonly #log: Log
  #turn = 0

  constructor(shards: Shards, log: Log) {
    this.#shards = shards
    this.#log = log
  }

  /** A key decides where its timer lies, so that all who use it meet there; any other timer lies where it is its turn. */
  shardFor({ draft: { owner, key }, idempotency }: NewTimerRequest): Shard {
    if (key !== undefined) return this.#shards.forWord(keyWord(owner, key))
    if (idempotency !== undefined) return this.#shards.forWord(idempotencyWord(owner, idempotency.key))
    const shard = this.#shards.at(this.#turn)
    this.#turn = (this.#turn + 1) % this.#shards.all.length
    return shard
  }

  async create(shard: Shard, request: NewTimerRequest): Promise<Created> {
    await this.guard(shard, request)
    return this.#store(shard, request)
  }

  /**
   * A timer's own key decides where it lies, and its idempotency key, where other requests under it would be looked for:
   * where these are two shards, a guard is left in the latter. Not of a request that comes too late to create one.
   *
   * @throws TimerError `IDEMPOTENCY_KEY_REUSED`
   */
  async guard(home: Shard, { draft, idempotency }: NewTimerRequest): Promise<void> {
    if (idempotency === undefined || idempotency.orElse !== undefined || draft.key === undefined) return
    const known = this.#shards.forWord(idempotencyWord(draft.owner, idempotency.key))
    if (known === home) return
    const asked = unborn({ draft, idempotency }).idempotency as Asked
    for (let tries = 0; tries < MOST_IDS; tries += 1) {
      const now = Date.now()
      const done = await known.clients.guard(asked, home.keys.index, now, now + FIRST_LOOK_MS)
      if (done.kind === 'ok') return
      if (done.kind === 'reused') throw keyReused()
      await this.#judge(known, asked.digest, done.guard)
    }
    throw keyReused()
  }

  /** A guard of another request stands, or falls with its timer. */
  async #judge(known: Shard, digest: string, guard: string): Promise<void> {
    if (await isGuarding(this.#shards.all, digest, guard)) throw keyReused()
    await known.clients.unguard(digest, guard)
  }

  #store(shard: Shard, request: NewTimerRequest): Promise<Created> {
    return this.withId(shard, request, async (timer) => {
      const done = await shard.clients.create(timer)
      if (done.kind === 'id taken') return undefined
      if (done.kind !== 'doubt') return createdBy(request, timer, done)
      await this.#judge(shard, timer.idempotency?.digest ?? '', done.guard)
      return this.#store(shard, request)
    })
  }

  /** Mints an id for a timer and does `store` with it; again with another id where it answers undefined: the id was taken. */
  async withId<T>(
    shard: Shard,
    request: NewTimerRequest,
    store: (timer: NewTimer) => Promise<T | undefined>,
  ): Promise<T> {
    const { losses } = shard
    const timer = unborn(request)
    try {
      for (let tries = 0; tries < MOST_IDS; tries += 1) {
        const id = await shard.nextId()
        const stored = await store(born(timer, request.draft, id, Date.now()))
        if (stored !== undefined) return stored
        this.#log.error({ timerId: id }, 'redis handed out an id that is taken: has it lost its last writes?')
      }
    } catch (error) {
      throw doubted(error, shard, losses)
    }
    throw idsTaken()
  }
}

export function idsTaken(): TimerError {
  return new TimerError('STORE_REFUSED', 'Redis hands out ids that are taken')
}
