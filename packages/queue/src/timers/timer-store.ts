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
import { answer, checked, checkedAll } from './answer.ts'
import { type ChangeOne, changeMany } from './change-many.ts'
import type { ChangeAnswer, Subject } from './client-commands.ts'
import { conflictChange } from './conflict.ts'
import { createMany } from './create-many.ts'
import { keyWord } from './creation.ts'
import { clientNonce, freshNonce } from './nonce.ts'
import { doubted, refusalOf } from './refusal.ts'
import { toChange } from './stored-change.ts'
import { toRecord, toResolution } from './stored-timer.ts'
import { isPossible, type Named, subjectById, subjectOf } from './subject.ts'
import { TimerCreator } from './timer-creator.ts'
import { Together } from './together.ts'

export interface RedisTimerStore extends TimerStore {
  health(): RedisHealth
  /** Which shards each primary has; undefined until that is known. */
  shardsPerNode(): ShardSpread | undefined
  /** The servers that hold the timers, as they were found at the last look. */
  nodes(): readonly RedisNodeState[]
  /** How many timers there are; undefined while that is not known. Takes half a second at most. */
  census(): Promise<Census | undefined>
  /** Resolves when this process must not use this Redis (`WRONG_REDIS`, `DATA_TOO_NEW`). */
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
    this.#census = new CensusTaker(this.#shards, options.log)
  }

  create(draft: TimerDraft, idempotency?: Idempotency): Promise<Created> {
    return answer(() => this.#creator.create({ draft, idempotency }))
  }

  createAll(requests: readonly NewTimerRequest[]): Promise<readonly (Created | Error)[]> {
    return createMany(requests, { creator: this.#creator, together: this.#together, log: this.#log })
  }

  async upsert(key: string, draft: TimerDraft, mode: ConflictMode): Promise<Upserted> {
    const request = { draft: { ...draft, key } }
    const nonce = freshNonce()
    return answer(() =>
      this.#creator.atSite<Upserted>(request, (site) =>
        this.#creator.withId(site, request, async (timer) => {
          const done = await site.shard.clients.upsert(timer, nonce, conflictChange(timer, mode))
          if (done.kind === 'id taken') return undefined
          if (done.kind === 'moved') return done
          return {
            timer: toRecord(done.id, done.hash) as TimerRecord,
            created: done.kind === 'created',
            previous: done.kind === 'created' ? done.previous : undefined,
          }
        }),
      ),
    )
  }

  async find(ref: TimerRef): Promise<TimerRecord | undefined> {
    const subject = subjectOf(ref)
    if (!isPossible(subject)) return undefined
    return answer(() =>
      this.#shards.seek(async () => {
        const located = await this.#locate(subject)
        if (located === undefined) return undefined
        const { shard, id } = located
        const hash = await shard.reads.hgetall(shard.keys.key(jobIdOf(id)))
        return (hash.ow ?? '') === subject.owner ? toRecord(id, hash) : undefined
      }),
    )
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
    return this.#look(() => this.#lister.list(query))
  }

  stats(): Promise<readonly ShardStats[]> {
    return this.#look(() => countTimers(this.#shards.all, Date.now()))
  }

  forecast(query: ForecastQuery): Promise<readonly number[]> {
    return this.#look(() => forecast(this.#shards.all, query))
  }

  health(): RedisHealth {
    return this.#shards.health()
  }

  shardsPerNode(): ShardSpread | undefined {
    return this.#shards.perNode()
  }

  nodes(): readonly RedisNodeState[] {
    return this.#shards.nodeStates()
  }

  census(): Promise<Census | undefined> {
    return this.#census.take()
  }

  async close(): Promise<void> {
    this.#shards.close()
  }

  /** At all shards. */
  #look<T>(work: () => Promise<T>): Promise<T> {
    return answer(async () => {
      checkedAll(this.#shards.all)
      return work()
    })
  }

  /** One for the whole command, also where the connection sends it again; with a client's key, for all that come under it. */
  #nonce(verb: string, ref: TimerRef, idempotencyKey: string | undefined): string {
    return idempotencyKey === undefined
      ? freshNonce()
      : clientNonce(verb, subjectOf(ref).owner, idempotencyKey)
  }

  /** Where a timer lies, as far as this process knows the shards; undefined where no timer has the key. */
  async #locate(subject: Named): Promise<Located | undefined> {
    if ('id' in subject) return { shard: checked(this.#shards.of(subject.id)), id: subject.id }
    const { owner, key } = subject
    const homes = this.#shards.homesOf(keyWord(owner, key)).map(({ shard }) => checked(shard))
    const found = await Promise.all(homes.map(({ reads, keys }) => reads.get(keys.key(keyRef(owner, key)))))
    const at = found.findIndex((jobId) => jobId !== null)
    return at < 0 ? undefined : { shard: homes[at] as Shard, id: timerIdOf(found[at] as string) }
  }

  #changeAll(refs: readonly TimerById[], withinMs: number, command: ChangeOne): Promise<readonly Acted[]> {
    const options = { together: this.#together, shards: this.#shards, withinMs, command }
    return changeMany(refs.map(subjectById), options)
  }

  /** Does a command about one timer, and says in the words of the port what came of it. */
  async #change(
    ref: TimerRef,
    command: (shard: Shard, subject: Subject) => Promise<ChangeAnswer>,
    refused?: (status: TimerStatus) => TimerError,
  ): Promise<MaybeReplayed | undefined> {
    const subject = subjectOf(ref)
    if (!isPossible(subject)) return undefined
    return answer(() =>
      this.#shards.seek(async () => {
        // A key is looked up once: sent again, a command must not find another timer that has the key by then. What has the
        // key at this look and is pending at the command had it all the while between.
        const located = await this.#locate(subject)
        if (located === undefined) return undefined
        const { shard, id } = located
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
      }),
    )
  }
}

interface Located {
  readonly shard: Shard
  readonly id: number
}
