import type { Callback, TimerStatus } from '@timers/core'
import type { Redis } from 'ioredis'
import { jobIdOf, type ShardKeys, timerIdOf } from '../shards/shard-keys.ts'
import type { Moved } from '../shards/shards.ts'
import { toAnswer, toCreateAnswer } from './client-answers.ts'
import { define, loadScript } from './scripts.ts'
import { type StoredChange, type StoredExtras, toListener } from './stored-change.ts'
import { type TimerHash, toHash } from './stored-timer.ts'
import { upgradeTimer } from './upgrade.ts'

type Args = (string | number)[]

interface Scripts {
  timersCreate(...args: Args): Promise<CreateReply>
  timersCreateMany(...args: Args): Promise<[place: number, CreateReply][]>
  timersUpsert(
    ...args: Args
  ): Promise<[kind: string, jobId: string, hash: string[], before?: string, status?: string]>
  timersCancel(...args: Args): Promise<Reply>
  timersChange(...args: Args): Promise<Reply>
  timersRedrive(...args: Args): Promise<Reply>
  timersResolve(...args: Args): Promise<Reply>
  timersGuard(...args: Args): Promise<[kind: 'ok' | 'reused' | 'doubt' | 'moved', other?: string]>
  timersUnguard(...args: Args): Promise<number>
}

export type CreateReply = number | [kind: string, jobId?: string, createdAt?: string, dueAt?: string]
export type Reply = [kind: string, jobIdOrStatus?: string, hash?: string[]]

/** What only timers need that have more than a due time. */
const ADORNED = {
  includes: ['places', 'labels', 'adorn', 'guards', 'subject', 'homes', 'again'],
  gives: ['baseOf', 'adorn', 'judgeGuard', 'inherited', 'movedOn', 'writeAgain'],
}

/** Name of each command, how many keys it takes, and its text. */
const SCRIPTS = [
  ['timersCreate', 3, loadScript('create', 'delay', 'store', ADORNED)],
  ['timersCreateMany', undefined, loadScript('create-many', 'delay', 'store', ADORNED, 'create()')],
  [
    'timersUpsert',
    3,
    loadScript('upsert', 'places', 'delay', 'labels', 'store', 'adorn', 'subject', 'alter', 'homes', 'again'),
  ],
  [
    'timersCancel',
    1,
    loadScript('cancel', 'places', 'delay', 'labels', 'finish', 'mint', 'outbox', 'subject', 'again'),
  ],
  ['timersChange', 1, loadScript('change', 'places', 'delay', 'labels', 'subject', 'alter', 'again')],
  ['timersRedrive', 1, loadScript('redrive', 'places', 'delay', 'labels', 'unfinish', 'subject', 'again')],
  ['timersGuard', 1, loadScript('guard', 'places', 'guards', 'homes')],
  ['timersUnguard', 1, loadScript('unguard', 'places')],
  [
    'timersResolve',
    1,
    loadScript('resolve', 'places', 'delay', 'finish', 'unfinish', 'mint', 'outbox', 'subject', 'again'),
  ],
] as const

/** A new timer as it is stored. */
export interface NewTimer {
  readonly id: number
  /** '' where it is too late to store it: then only one that was stored before can be the answer. */
  readonly data: string
  readonly createdAt: number
  readonly dueAt: number
  /** '' for the default one. */
  readonly owner: string
  readonly extras?: StoredExtras | undefined
  readonly idempotency?: { readonly digest: string; readonly fingerprint: string } | undefined
  /** The last layout in which the shard is the home of its word; without one, it has no word (shards/layouts.ts). */
  readonly upTo?: number | undefined
}

/** What became of a create. */
export type CreateAnswer =
  | { readonly kind: 'stored' }
  /** Another timer has this id: Redis has handed it out twice. */
  | { readonly kind: 'id taken' }
  | { readonly kind: 'replay'; readonly id: number; readonly createdAt: number; readonly dueAt: number }
  | { readonly kind: 'reused' | 'none' }
  /** `reused`, unless the timer of the request that is remembered is gone. */
  | { readonly kind: 'doubt'; readonly guard: string }
  | { readonly kind: 'key taken'; readonly id: number }
  | Moved

/**
 * Whose timer a command is about, and which. Never one by its key: sent again, the command could find another timer that
 * has the key by then.
 */
export interface Subject {
  readonly owner: string
  readonly id: number
}

/** What became of a change. */
export type ChangeAnswer =
  | { readonly kind: 'done' | 'again'; readonly id: number; readonly hash: TimerHash }
  | { readonly kind: 'missing' }
  | { readonly kind: 'firing' | 'finished' | 'refused'; readonly status: TimerStatus }
  | { readonly kind: 'taken'; readonly id: number }

export type UpsertAnswer =
  | {
      readonly kind: 'created'
      readonly id: number
      readonly hash: TimerHash
      readonly previous: { readonly id: number; readonly status: TimerStatus } | undefined
    }
  | { readonly kind: 'changed'; readonly id: number; readonly hash: TimerHash }
  | { readonly kind: 'id taken' }
  | Moved

/** What became of a guard. */
export type GuardAnswer =
  | { readonly kind: 'ok' }
  | { readonly kind: 'reused' }
  | { readonly kind: 'doubt'; readonly guard: string }
  | Moved

const NO_EXTRAS: StoredExtras = { key: '', labels: '', expires: '', callback: '' }

/**
 * What clients do with the timers of one shard: each command is one Lua script, one atomic step, and safe to send again.
 * The contracts stand at the heads of the scripts in `lua/`.
 */
export class ClientCommands {
  readonly #redis: Scripts
  readonly #keys: ShardKeys
  readonly #events: string

  /** @param events who is told of the ends of all timers */
  constructor(redis: Redis, keys: ShardKeys, events?: Callback) {
    for (const [name, numberOfKeys, text] of SCRIPTS) define(redis, name, numberOfKeys, text)
    this.#redis = redis as unknown as Scripts
    this.#keys = keys
    this.#events = toListener(events)
  }

  async create(timer: NewTimer): Promise<CreateAnswer> {
    const { id, data, createdAt, dueAt, owner } = timer
    const jobId = jobIdOf(id)
    const plain = [...this.#placesOf(jobId), jobId, data, createdAt, dueAt, owner]
    const answer = await this.#redis.timersCreate(
      ...(hasMore(timer) ? [...plain, ...moreArguments(timer)] : plain),
    )
    return toCreateAnswer(answer)
  }

  /**
   * Creates many timers of one owner, made at the same moment, in one step of Redis, and in their order.
   *
   * @returns what became of those that are not simply stored, by their places in `timers`
   */
  async createMany(timers: readonly NewTimer[]): Promise<ReadonlyMap<number, CreateAnswer>> {
    const [first] = timers
    if (first === undefined) return new Map()
    const { key } = this.#keys
    const keys = [key('delayed'), key('marker')]
    const args: Args = [first.createdAt, first.owner, key('').length + 1]
    for (const timer of timers) {
      keys.push(key(jobIdOf(timer.id)))
      args.push(timer.data, timer.dueAt, hasMore(timer) ? JSON.stringify(moreArguments(timer)) : '')
    }
    const answers = await this.#redis.timersCreateMany(keys.length, ...keys, ...args)
    return new Map(answers.map(([place, answer]) => [place - 1, toCreateAnswer(answer)]))
  }

  /**
   * @param nonce of this command
   * @param change to a pending timer that has the key; undefined leaves it as it is
   */
  async upsert(timer: NewTimer, nonce: string, change: StoredChange | undefined): Promise<UpsertAnswer> {
    const { id, data, createdAt, dueAt, owner, extras, upTo } = timer
    const jobId = jobIdOf(id)
    const [kind, found, flat, before = '', status] = await this.#redis.timersUpsert(
      ...this.#placesOf(jobId),
      jobId,
      data,
      createdAt,
      dueAt,
      owner,
      ...extraArguments(extras),
      nonce,
      change === undefined ? '' : JSON.stringify(change),
      upTo ?? '',
    )
    switch (kind) {
      case 'moved':
        return { kind, layout: found }
      case 'created': {
        const previous = before === '' ? undefined : { id: timerIdOf(before), status: status as TimerStatus }
        return { kind, id: timerIdOf(found), hash: toHash(flat), previous }
      }
      case 'changed':
        return { kind, id: timerIdOf(found), hash: toHash(flat) }
      default:
        return { kind: 'id taken' }
    }
  }

  /** @param brief answers without the timer's hash */
  cancel(subject: Subject, now: number, brief?: 'brief'): Promise<ChangeAnswer> {
    const { layout } = this.#keys
    const args = [now, layout, this.#events, brief ?? '']
    return this.#answer(subject, (redis, of) => redis.timersCancel(...of, ...args))
  }

  change(subject: Subject, nonce: string, change: StoredChange): Promise<ChangeAnswer> {
    return this.#answer(subject, (redis, of) => redis.timersChange(...of, nonce, JSON.stringify(change)))
  }

  /** @param at when it is to be sent, epoch ms */
  redrive(subject: Subject, nonce: string, at: number, brief?: 'brief'): Promise<ChangeAnswer> {
    return this.#answer(subject, (redis, of) => redis.timersRedrive(...of, nonce, at, brief ?? ''))
  }

  /** @param resolution as it is stored */
  resolve(
    subject: Subject,
    nonce: string,
    now: number,
    as: 'fired' | 'failed',
    resolution: string,
  ): Promise<ChangeAnswer> {
    const args = [nonce, now, as, resolution, this.#keys.layout, this.#events]
    return this.#answer(subject, (redis, of) => redis.timersResolve(...of, ...args))
  }

  /**
   * Remembers a request whose timer is to lie in the shard `home`.
   *
   * @param upTo the last layout in which this shard is the home of the idempotency key
   */
  async guard(
    { digest, fingerprint }: { readonly digest: string; readonly fingerprint: string },
    home: number,
    now: number,
    lookAt: number,
    upTo: number,
  ): Promise<GuardAnswer> {
    const marker = this.#keys.key('marker')
    const args = [digest, fingerprint, home, now, lookAt, upTo]
    const [kind, other = ''] = await this.#redis.timersGuard(marker, ...args)
    if (kind === 'moved') return { kind, layout: other }
    return kind === 'doubt' ? { kind, guard: other } : { kind }
  }

  /** Forgets a guard, unless it has become another one. */
  async unguard(digest: string, guard: string): Promise<void> {
    await this.#redis.timersUnguard(this.#keys.key('marker'), digest, guard)
  }

  #placesOf(jobId: string): string[] {
    const { key } = this.#keys
    return [key(jobId), key('delayed'), key('marker')]
  }

  /** @param send is given the key and the first two arguments that all commands have that are about a timer that is there */
  async #answer(
    { id, owner }: Subject,
    send: (redis: Scripts, of: readonly string[]) => Promise<Reply>,
  ): Promise<ChangeAnswer> {
    const of = [this.#keys.key('marker'), jobIdOf(id), owner]
    const reply = await send(this.#redis, of)
    if (reply[0] !== 'old') return toAnswer(reply)
    await upgradeTimer(this.#redis as unknown as Redis, this.#keys, id)
    return toAnswer(await send(this.#redis, of))
  }
}

function extraArguments(extras = NO_EXTRAS): string[] {
  const { key, labels, expires, callback } = extras
  return [key, labels, expires, callback]
}

function hasMore({ extras, idempotency }: NewTimer): boolean {
  return extras !== undefined || idempotency !== undefined
}

/** Of `create.lua`, what only some timers have. */
function moreArguments({ extras, idempotency, upTo }: NewTimer): string[] {
  const words = [idempotency?.digest ?? '', idempotency?.fingerprint ?? '', String(upTo ?? '')]
  return [...extraArguments(extras), ...words]
}
