import {
  type Acted,
  type Callback,
  type Census,
  type ConflictMode,
  type Created,
  type ForecastQuery,
  type Idempotency,
  type Log,
  type MaybeReplayed,
  type NewTimerRequest,
  type RedisNodeState,
  type RedriveOptions,
  type ShardStats,
  type TimerById,
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
import { forecast } from '../index/forecast.ts'
import { Lister } from '../index/lister.ts'
import { countTimers } from '../index/stats.ts'
import type { RedisHealth } from '../nodes/redis-monitor.ts'
import type { ShardSpread } from '../nodes/shard-spread.ts'
import { jobIdOf, keyRef, timerIdOf } from '../shards/shard-keys.ts'
import type { RedisOptions } from '../shards/shards.ts'
import { type Shard, Shards } from '../shards/shards.ts'
import { answer } from './answer.ts'
import { type ChangeOne, changeMany } from './change-many.ts'
import type { ChangeAnswer, NewTimer, Subject } from './client-commands.ts'
import { createMany } from './create-many.ts'
import { keyWord, ownerField } from './creation.ts'
import { clientNonce, freshNonce } from './nonce.ts'
import { doubted, refusalOf } from './refusal.ts'
import { toStoreError, unavailable } from './store-error.ts'
import { type StoredChange, toChange } from './stored-change.ts'
import { toRecord, toResolution } from './stored-timer.ts'
import { TimerCreator } from './timer-creator.ts'
import { Together } from './together.ts'

export interface RedisTimerStore extends TimerStore {
  /** Begins to look at Redis. Resolves at once, also while Redis is away. */
  start(): Promise<void>
  health(): RedisHealth
  /** The servers that hold the timers, as they were found at the last look. */
  nodes(): readonly RedisNodeState[]
  /** Which shards each primary has; undefined until that is known. */
  shardsPerNode(): ShardSpread | undefined
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
  readonly #lister: Lister
  readonly #creator: TimerCreator
  readonly #together = new Together()

  constructor(options: TimerStoreOptions) {
    this.#log = options.log
    this.#shards = new Shards(options, { changes: true, events: options.events })
    this.#lister = new Lister(this.#shards)
    this.#creator = new TimerCreator(this.#shards, options.log)
    this.failed = this.#shards.failed
    this.#census = new CensusTaker(this.#shards.all, options.log)
  }

  async start(): Promise<void> {
    this.#census.start()
  }

  create(draft: TimerDraft, idempotency?: Idempotency): Promise<Created> {
    const request = { draft, idempotency }
    const shard = this.#creator.shardFor(request)
    return answer(shard, () => this.#creator.create(shard, request))
  }

  createAll(requests: readonly NewTimerRequest[]): Promise<readonly (Created | Error)[]> {
    return createMany(requests, { creator: this.#creator, together: this.#together, log: this.#log })
  }

  async upsert(key: string, draft: TimerDraft, mode: ConflictMode): Promise<Upserted> {
    const request = { draft: { ...draft, key } }
    const shard = this.#creator.shardFor(request)
    const nonce = freshNonce()
    return answer(shard, () =>
      this.#creator.withId(shard, request, async (timer) => {
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
    const { reads, keys } = shard
    if (!shard.verified) throw unavailable()
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

  cancelAll(refs: readonly TimerById[], withinMs: number): Promise<readonly Acted[]> {
    const now = Date.now()
    return this.#changeAll(refs, withinMs, (shard, subject) => shard.clients.cancel(subject, now, 'brief'))
  }

  redrive(
    ref: TimerRef,
    { idempotencyKey, at = Date.now() }: RedriveOptions = {},
  ): Promise<MaybeReplayed | undefined> {
    const nonce = this.#nonce('redrive', ref, idempotencyKey)
    return this.#change(ref, (shard, subject) => shard.clients.redrive(subject, nonce, at))
  }

  redriveAll(
    redrives: readonly { readonly ref: TimerById; readonly at: number | undefined }[],
    idempotencyKey: string,
    withinMs: number,
  ): Promise<readonly Acted[]> {
    const now = Date.now()
    const refs = redrives.map(({ ref }) => ref)
    return this.#changeAll(refs, withinMs, (shard, subject, place) => {
      const nonce = clientNonce('redrive', subject.owner, idempotencyKey)
      return shard.clients.redrive(subject, nonce, redrives[place]?.at ?? now, 'brief')
    })
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

  list(query: TimerQuery): Promise<TimerPage> {
    return answer(this.#shards.at(0), () => this.#lister.list(query))
  }

  stats(): Promise<readonly ShardStats[]> {
    return answer(this.#shards.at(0), () => countTimers(this.#shards.all, Date.now()))
  }

  forecast(query: ForecastQuery): Promise<readonly number[]> {
    return answer(this.#shards.at(0), () => forecast(this.#shards.all, query))
  }

  health(): RedisHealth {
    return this.#shards.health()
  }

  nodes(): readonly RedisNodeState[] {
    return this.#shards.nodeStates()
  }

  shardsPerNode(): ShardSpread | undefined {
    return this.#shards.perNode()
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

  #shardOf(subject: Named): Shard {
    return 'id' in subject
      ? this.#shards.of(subject.id)
      : this.#shards.forWord(keyWord(subject.owner, subject.key))
  }

  #changeAll(refs: readonly TimerById[], withinMs: number, command: ChangeOne): Promise<readonly Acted[]> {
    const shardOf = (subject: Subject) => this.#shardOf(subject)
    return changeMany(refs.map(subjectById), { together: this.#together, shardOf, withinMs, command })
  }

  /** Does a command about one timer, and says in the words of the port what came of it. */
  async #change(
    ref: TimerRef,
    command: (shard: Shard, subject: Subject) => Promise<ChangeAnswer>,
    refused?: (status: TimerStatus) => TimerError,
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
      if (done.kind === 'missing') return undefined
      if ('hash' in done) {
        const record = toRecord(done.id, done.hash) as TimerRecord
        return done.kind === 'again' ? { ...record, replayed: true } : record
      }
      throw refusalOf(done, refused)
    })
  }
}

/** Which timer is meant, in the words of Redis. */
type Named = Subject | { readonly owner: string; readonly key: string }

function subjectOf(ref: TimerRef): Named {
  if (typeof ref === 'number' || 'id' in ref) return subjectById(ref)
  return { owner: ownerField(ref.owner), key: ref.key }
}

function subjectById(ref: TimerById): Subject {
  return typeof ref === 'number' ? { owner: '', id: ref } : { owner: ownerField(ref.owner), id: ref.id }
}

function isPossible(subject: Named): boolean {
  return !('id' in subject) || (Number.isSafeInteger(subject.id) && subject.id > 0)
}

async function idOf({ reads, keys }: Shard, subject: Named): Promise<number | undefined> {
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
