import {
  type Callback,
  type Census,
  type ConflictMode,
  type Created,
  DEFAULT_MAX_ATTEMPTS,
  DEFAULT_MODE,
  DEFAULT_OWNER,
  type ForecastQuery,
  type Idempotency,
  type Log,
  type MaybeReplayed,
  type NewTimerRequest,
  type RedriveOptions,
  type ShardStats,
  type TimerChange,
  type TimerDraft,
  TimerError,
  type TimerPage,
  type TimerQuery,
  type TimerRecord,
  type TimerRef,
  type TimerStatus,
  type TimerStore,
  type Upserted,
} from '@timers/core'
import { CensusTaker } from '../index/census.ts'
import { ANSWER_TIMEOUT_MS, type RedisOptions } from '../shards/redis-client.ts'
import type { RedisHealth } from '../shards/redis-monitor.ts'
import { jobIdOf, keyRef, timerIdOf } from '../shards/shard-keys.ts'
import { type Shard, Shards } from '../shards/shards.ts'
import type { ChangeAnswer, NewTimer, Subject } from './client-commands.ts'
import { FIRST_LOOK_MS, isGuarding } from './guards.ts'
import { clientNonce, digestOf, freshNonce } from './nonce.ts'
import { toStoreError, unavailable } from './store-error.ts'
import {
  dueAtOf,
  type StoredChange,
  toChange,
  toData,
  toExtras,
  toRecord,
  toResolution,
} from './stored-timer.ts'

/** How many ids are tried where Redis hands out some that are taken (after a failover), before it is given up. */
const MOST_IDS = 3

export interface RedisTimerStore extends TimerStore {
  /** Begins to look at Redis. Resolves at once, also while Redis is away. */
  start(): Promise<void>
  health(): RedisHealth
  /** How many timers there are, as of the last look; undefined while that is not known. */
  census(): Census | undefined
  /** Resolves when this process must not use this Redis (`SHARD_MISMATCH`, `DATA_TOO_NEW`). */
  readonly failed: Promise<Error>
  close(): Promise<void>
}

export interface TimerStoreOptions extends RedisOptions {
  /** Who is told of the ends of all timers. */
  readonly events?: Callback | undefined
}

/** The timer store of the API: creates, reads and changes timers. Never waits longer than two seconds for Redis. */
export function createRedisTimerStore(options: TimerStoreOptions): RedisTimerStore {
  return new ShardedTimerStore(options)
}

class ShardedTimerStore implements RedisTimerStore {
  readonly failed: Promise<Error>
  readonly #shards: Shards
  readonly #census: CensusTaker
  readonly #log: Log
  #turn = 0

  constructor(options: TimerStoreOptions) {
    this.#log = options.log
    this.#shards = new Shards(options, { changes: true, events: options.events })
    this.failed = this.#shards.failed
    this.#census = new CensusTaker(this.#shards.all, options.log)
  }

  async start(): Promise<void> {
    this.#census.start()
  }

  create(draft: TimerDraft, idempotency?: Idempotency): Promise<Created> {
    const shard = this.#shardFor(draft, idempotency)
    return answer(shard, () => this.#create(shard, draft, idempotency))
  }

  async createAll(requests: readonly NewTimerRequest[]): Promise<readonly (Created | Error)[]> {
    return Promise.all(
      requests.map(({ draft, idempotency }) =>
        this.create(draft, idempotency).catch((error) => error as Error),
      ),
    )
  }

  async upsert(key: string, draft: TimerDraft, mode: ConflictMode): Promise<Upserted> {
    const asked = { ...draft, key }
    const shard = this.#shardFor(asked)
    const nonce = freshNonce()
    return answer(shard, () =>
      this.#withId(shard, asked, async (timer) => {
        const done = await shard.clients.upsert(timer, nonce, conflictChange(timer, mode))
        if (done.kind === 'id taken') return undefined
        return {
          timer: toRecord(done.id, done.hash) as TimerRecord,
          created: done.kind === 'created',
          previous: done.kind === 'created' ? done.previous : undefined,
        }
      }),
    )
  }

  async find(ref: TimerRef): Promise<TimerRecord | undefined> {
    const subject = subjectOf(ref)
    if (!isPossible(subject)) return undefined
    const shard = this.#shardOf(subject)
    const { reads, keys, monitor } = shard
    if (!monitor.verified) throw unavailable()
    try {
      // The connection bounds the time of each command; with a key there are two.
      const id = await idOf(shard, subject)
      if (id === undefined) return undefined
      const hash = await reads.hgetall(keys.key(jobIdOf(id)))
      return (hash.ow ?? '') === subject.owner ? toRecord(id, hash) : undefined
    } catch (error) {
      throw toStoreError(error)
    }
  }

  cancel(ref: TimerRef): Promise<TimerRecord | undefined> {
    return this.#change(ref, (shard, subject) => shard.clients.cancel(subject, Date.now()))
  }

  change(ref: TimerRef, change: TimerChange): Promise<TimerRecord | undefined> {
    const nonce = freshNonce()
    const stored = toChange(change, Date.now())
    return this.#change(ref, (shard, subject) => shard.clients.change(subject, nonce, stored))
  }

  fire(ref: TimerRef, idempotencyKey?: string): Promise<MaybeReplayed | undefined> {
    const nonce = this.#nonce('fire', ref, idempotencyKey)
    const stored = toChange({ due: { delayMs: 0 } }, Date.now())
    return this.#change(ref, (shard, subject) => shard.clients.change(subject, nonce, stored))
  }

  redrive(
    ref: TimerRef,
    { idempotencyKey, at = Date.now() }: RedriveOptions = {},
  ): Promise<MaybeReplayed | undefined> {
    const nonce = this.#nonce('redrive', ref, idempotencyKey)
    return this.#change(ref, (shard, subject) => shard.clients.redrive(subject, nonce, at))
  }

  resolve(ref: TimerRef, as: 'fired' | 'failed', note?: string): Promise<TimerRecord | undefined> {
    const nonce = freshNonce()
    const now = Date.now()
    const stored = toResolution(as, now, note)
    return this.#change(
      ref,
      (shard, subject) => shard.clients.resolve(subject, nonce, now, as, stored),
      (status) =>
        new TimerError('NOT_UNKNOWN', 'only a timer whose status is unknown can be resolved', {
          details: { status },
        }),
    )
  }

  async list(_query: TimerQuery): Promise<TimerPage> {
    throw new Error('built by helper index')
  }

  async stats(): Promise<readonly ShardStats[]> {
    throw new Error('built by helper index')
  }

  async forecast(_query: ForecastQuery): Promise<readonly number[]> {
    throw new Error('built by helper index')
  }

  health(): RedisHealth {
    return this.#shards.health()
  }

  census(): Census | undefined {
    return this.#census.last
  }

  async close(): Promise<void> {
    this.#census.stop()
    this.#shards.close()
  }

  /** One for the whole command, also where the connection sends it again; with a client's key, for all that come under it. */
  #nonce(verb: string, ref: TimerRef, idempotencyKey: string | undefined): string {
    return idempotencyKey === undefined
      ? freshNonce()
      : clientNonce(verb, subjectOf(ref).owner, idempotencyKey)
  }

  /** A key decides where its timer lies, so that all who use it meet there; any other timer lies where it is its turn. */
  #shardFor({ owner, key }: TimerDraft, idempotency?: Idempotency): Shard {
    if (key !== undefined) return this.#shards.forWord(keyWord(ownerField(owner), key))
    if (idempotency !== undefined) return this.#shards.forWord(idempotencyWord(owner, idempotency.key))
    const shard = this.#shards.at(this.#turn)
    this.#turn = (this.#turn + 1) % this.#shards.all.length
    return shard
  }

  #shardOf(subject: Subject): Shard {
    return 'id' in subject
      ? this.#shards.of(subject.id)
      : this.#shards.forWord(keyWord(subject.owner, subject.key))
  }

  async #create(shard: Shard, draft: TimerDraft, idempotency: Idempotency | undefined): Promise<Created> {
    if (idempotency === undefined) return this.#store(shard, draft)
    const { key, fingerprint, orElse } = idempotency
    const word = digestOf(ownerField(draft.owner), key)
    const asked = { digest: word, fingerprint, tooLate: orElse }
    // Its own key decides where the timer lies; this one, where other requests under it would be looked for.
    const known = this.#shards.forWord(idempotencyWord(draft.owner, key))
    if (known !== shard) await this.#guard(known, shard, asked)
    return this.#store(shard, draft, asked)
  }

  async #guard(known: Shard, home: Shard, asked: Asked): Promise<void> {
    for (let tries = 0; tries < MOST_IDS; tries += 1) {
      const now = Date.now()
      const done = await known.clients.guard(asked, home.keys.index, now, now + FIRST_LOOK_MS)
      if (done.kind === 'ok') return
      if (done.kind === 'reused') throw keyReused()
      await this.#judge(known, asked, done.guard)
    }
    throw keyReused()
  }

  /** A guard of another request stands, or falls with its timer. */
  async #judge(known: Shard, { digest }: Asked, guard: string): Promise<void> {
    if (await isGuarding(this.#shards.all, digest, guard)) throw keyReused()
    await known.clients.unguard(digest, guard)
  }

  #store(shard: Shard, draft: TimerDraft, asked?: Asked): Promise<Created> {
    return this.#withId(shard, draft, async (timer) => {
      const done = await shard.clients.create(
        asked === undefined
          ? timer
          : { ...timer, idempotency: asked, data: asked.tooLate === undefined ? timer.data : '' },
      )
      switch (done.kind) {
        case 'stored':
          return created(draft, timer, false)
        case 'replay':
          return created(draft, done, true)
        case 'key taken':
          throw keyTaken(done.id)
        case 'none':
          throw asked?.tooLate
        case 'reused':
          throw keyReused()
        case 'doubt':
          await this.#judge(shard, asked as Asked, done.guard)
          return this.#store(shard, draft, asked)
        default:
          return undefined
      }
    })
  }

  /** Mints an id for a draft and does `store` with it; again with another id where it answers undefined: the id was taken. */
  async #withId<T>(
    shard: Shard,
    draft: TimerDraft,
    store: (timer: NewTimer) => Promise<T | undefined>,
  ): Promise<T> {
    const { losses } = shard
    const data = JSON.stringify(toData(draft))
    const extras = toExtras(draft)
    const owner = ownerField(draft.owner)
    try {
      for (let tries = 0; tries < MOST_IDS; tries += 1) {
        const id = await shard.nextId()
        const createdAt = Date.now()
        const stored = await store({ id, data, createdAt, dueAt: dueAtOf(draft, createdAt), owner, extras })
        if (stored !== undefined) return stored
        this.#log.error({ timerId: id }, 'redis handed out an id that is taken: has it lost its last writes?')
      }
    } catch (error) {
      throw doubted(error, shard, losses)
    }
    throw new TimerError('STORE_REFUSED', 'Redis hands out ids that are taken')
  }

  /** Does a command about one timer, and says in the words of the port what came of it. */
  async #change(
    ref: TimerRef,
    command: (shard: Shard, subject: Subject) => Promise<ChangeAnswer>,
    refused: (status: TimerStatus) => TimerError = notRedrivable,
  ): Promise<MaybeReplayed | undefined> {
    const subject = subjectOf(ref)
    if (!isPossible(subject)) return undefined
    const shard = this.#shardOf(subject)
    return answer(shard, async () => {
      // A key is looked up once: sent again, a command must not find another timer that has the key by then. What has the
      // key at this look and is pending at the command had it all the while between.
      const id = await idOf(shard, subject)
      if (id === undefined) return undefined
      const { losses } = shard
      const done = await command(shard, { owner: subject.owner, id }).catch((error) => {
        throw doubted(error, shard, losses)
      })
      switch (done.kind) {
        case 'done':
          return toRecord(done.id, done.hash)
        case 'again':
          return { ...(toRecord(done.id, done.hash) as TimerRecord), replayed: true }
        case 'firing':
          throw new TimerError(
            'ALREADY_FIRING',
            'a worker has claimed this timer: its request may be under way',
            {
              details: { status: done.status },
            },
          )
        case 'finished':
          throw new TimerError(
            'ALREADY_FINISHED',
            `this timer is ${done.status}: it can be changed no more`,
            {
              details: { status: done.status },
            },
          )
        case 'refused':
          throw refused(done.status)
        case 'taken':
          throw keyTaken(done.id)
        default:
          return undefined
      }
    })
  }
}

/** A request that may be sent again. */
interface Asked {
  readonly digest: string
  readonly fingerprint: string
  /** To be thrown where it was not carried out before. */
  readonly tooLate: TimerError | undefined
}

/** What a key of a timer's own, and an idempotency key, decide a shard by. */
function keyWord(owner: string, key: string): string {
  return `key\0${owner}\0${key}`
}

function idempotencyWord(owner: string | undefined, key: string): string {
  return `idempotency\0${ownerField(owner)}\0${key}`
}

function keyReused(): TimerError {
  return new TimerError(
    'IDEMPOTENCY_KEY_REUSED',
    'this idempotency key came with another request before: use a new key for a new timer',
  )
}

function notRedrivable(status: TimerStatus): TimerError {
  return new TimerError(
    'NOT_REDRIVABLE',
    'only a timer whose status is failed or unknown can be sent again',
    { details: { status } },
  )
}

function keyTaken(id: number): TimerError {
  return new TimerError('KEY_TAKEN', `timer ${id} has this key and is not finished`, {
    field: 'key',
    details: { timer_id: id },
  })
}

/** The default owner costs no memory. */
function ownerField(owner: string | undefined): string {
  return owner === undefined || owner === DEFAULT_OWNER ? '' : owner
}

function subjectOf(ref: TimerRef): Subject {
  if (typeof ref === 'number') return { owner: '', id: ref }
  return { ...ref, owner: ownerField(ref.owner) }
}

function isPossible(subject: Subject): boolean {
  return !('id' in subject) || (Number.isSafeInteger(subject.id) && subject.id > 0)
}

async function idOf({ reads, keys }: Shard, subject: Subject): Promise<number | undefined> {
  if ('id' in subject) return subject.id
  const jobId = await reads.get(keys.key(keyRef(subject.owner, subject.key)))
  return jobId === null ? undefined : timerIdOf(jobId)
}

/** What a pending timer takes of a new one that comes under its key. */
function conflictChange(timer: NewTimer, mode: ConflictMode): StoredChange | undefined {
  if (mode === 'keep') return undefined
  const { labels = '', expires = '', callback = '' } = timer.extras ?? {}
  const content = { d: timer.data, l: labels, e: expires, c: callback }
  return mode === 'keep_due' ? content : { ...content, t: String(timer.dueAt) }
}

/** A timer as its client is told of it. */
function created(
  draft: TimerDraft,
  { id, createdAt, dueAt }: Pick<Created, 'id' | 'createdAt' | 'dueAt'>,
  replayed: boolean,
): Created {
  const { key, labels, expiresIn, callback } = draft
  return {
    id,
    owner: draft.owner ?? DEFAULT_OWNER,
    url: draft.url,
    mode: draft.mode ?? DEFAULT_MODE,
    maxAttempts: draft.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    payload: draft.payload,
    headers: draft.headers,
    traceparent: draft.traceparent,
    requestId: draft.requestId,
    ...(key !== undefined && { key }),
    ...(labels !== undefined && { labels }),
    ...(expiresIn !== undefined && { expiresIn }),
    ...(callback !== undefined && { callback }),
    createdAt,
    dueAt,
    replayed,
  }
}

/** Sent again because its reply was lost, and refused only then: the first may have done it. */
function doubted(error: unknown, shard: Shard, losses: number): Error {
  const failure = toStoreError(error)
  const refused = failure instanceof TimerError && failure.code === 'STORE_REFUSED'
  return refused && shard.losses !== losses ? unavailable(error) : failure
}

/** All that one answer takes: together no longer than it may, whatever Redis does, and in the words of the port. */
async function answer<T>(shard: Shard, work: () => Promise<T>): Promise<T> {
  if (!shard.monitor.verified) throw unavailable()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unavailable(new Error('no answer in time'))), ANSWER_TIMEOUT_MS)
  })
  try {
    return await Promise.race([work(), late])
  } catch (error) {
    throw toStoreError(error)
  } finally {
    clearTimeout(timer)
  }
}
