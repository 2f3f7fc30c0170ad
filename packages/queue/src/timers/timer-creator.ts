import { type Created, type Log, type NewTimerRequest, TimerError } from '@timers/core'
import type { Home, Moved, Shard, Shards } from '../shards/shards.ts'
import { checked } from './answer.ts'
import type { NewTimer } from './client-commands.ts'
import { born, createdBy, idempotencyWord, unborn, wordOf } from './creation.ts'
import { FIRST_LOOK_MS, isGuarding } from './guards.ts'
import { doubted, keyReused } from './refusal.ts'

/** How many ids are tried where Redis hands out some that are taken (after a failover), before it is given up. */
export const MOST_IDS = 3

/** A request that may be sent again. */
interface Asked {
  readonly digest: string
  readonly fingerprint: string
}

/** Where a timer is tried to be stored; without `upTo` it has no word, and may lie anywhere. */
export interface Site {
  readonly shard: Shard
  readonly upTo?: number | undefined
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

  /**
   * Where a timer may lie, to be tried in this order: a word decides it, so that all who use it meet there, and has one home more
   * for each time that shards were added (shards/layouts.ts); any other timer lies where it is its turn, of those that can be
   * reached.
   */
  sitesFor(request: NewTimerRequest): readonly [Site, ...Site[]] {
    const word = wordOf(request)
    if (word !== undefined) return this.#shards.homesOf(word) as readonly [Home, ...Home[]]
    return [{ shard: this.#next() }]
  }

  /** One whose server is there, where there is one: a node of a cluster that is away takes no creates with it. */
  #next(): Shard {
    const { inUse } = this.#shards.layouts
    for (let tries = 0; ; tries += 1) {
      const shard = this.#shards.at(this.#turn)
      this.#turn = (this.#turn + 1) % inUse
      if (shard.verified || tries === inUse) return shard
    }
  }

  /** For who was told that a word has its home elsewhere. */
  moved(done: Moved): void {
    this.#shards.moved(done)
  }

  /** For who has tried all sites of a word: there are more shards than this process knew. */
  async lookAgain(): Promise<void> {
    await this.#shards.layouts.refresh()
  }

  create(request: NewTimerRequest): Promise<Created> {
    return this.atSite(request, async (site) => {
      await this.guard(site, request)
      return this.#store(site, request)
    })
  }

  /** Does `work` where the timer has its word or is to have it. */
  async atSite<T extends object>(
    request: NewTimerRequest,
    work: (site: Site) => Promise<T | Moved>,
  ): Promise<T> {
    const word = wordOf(request)
    const known = (site: Site) => {
      return work({ ...site, shard: checked(site.shard) })
    }
    if (word !== undefined) return this.#shards.atHome(word, known)
    // Nothing that has no word is told to go elsewhere.
    return (await known(this.sitesFor(request)[0])) as T
  }

  /**
   * A timer's own key decides where it lies, and its idempotency key, where other requests under it would be looked for:
   * where these are two shards, a guard is left in the latter. Not of a request that comes too late to create one.
   *
   * @throws TimerError `IDEMPOTENCY_KEY_REUSED`
   */
  async guard({ shard: home }: Site, { draft, idempotency }: NewTimerRequest): Promise<void> {
    if (idempotency === undefined || idempotency.orElse !== undefined || draft.key === undefined) return
    const word = idempotencyWord(draft.owner, idempotency.key)
    const homes = this.#shards.homesOf(word)
    if (homes.length === 1 && homes[0]?.shard === home) return
    const asked = unborn({ draft, idempotency }).idempotency as Asked
    for (let tries = 0; tries < MOST_IDS; tries += 1) {
      const now = Date.now()
      const { known, done } = await this.#shards.atHome(word, async ({ shard: known, upTo }) => {
        const done = await known.clients.guard(asked, home.keys.index, now, now + FIRST_LOOK_MS, upTo)
        return done.kind === 'moved' ? done : { known, done }
      })
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

  #store(site: Site, request: NewTimerRequest): Promise<Created | Moved> {
    return this.withId(site, request, async (timer) => {
      const done = await site.shard.clients.create(timer)
      if (done.kind === 'id taken') return undefined
      if (done.kind === 'moved') return done
      if (done.kind !== 'doubt') return createdBy(request, timer, done)
      await this.#judge(site.shard, timer.idempotency?.digest ?? '', done.guard)
      return this.#store(site, request)
    })
  }

  /** Mints an id for a timer and does `store` with it; again with another id where it answers undefined: the id was taken. */
  async withId<T>(
    { shard, upTo }: Site,
    request: NewTimerRequest,
    store: (timer: NewTimer) => Promise<T | undefined>,
  ): Promise<T> {
    const { losses } = shard
    const timer = unborn(request)
    try {
      for (let tries = 0; tries < MOST_IDS; tries += 1) {
        const id = await shard.nextId()
        const stored = await store(born(timer, request.draft, id, Date.now(), upTo))
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
