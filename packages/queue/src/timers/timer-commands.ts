import { randomBytes } from 'node:crypto'
import type { AttemptResult, Decision, FinalStatus, HeldBy, RetryBudget, Settled } from '@timers/core'
import type { Redis } from 'ioredis'
import { jobIdOf, type ShardKeys } from '../shards/shard-keys.ts'
import { loadScript } from './scripts.ts'
import { LOG_LENGTH, leftAt, type TimerHash, toEntry, toHash } from './stored-timer.ts'

type Args = (string | number)[]
type ClaimReply = [
  kind: string,
  first?: string | number,
  at?: string | number,
  budget?: string,
  left?: number,
]
type RedriveReply = [kind: 'done' | 'missing' | 'refused', hash?: string[]]
type SettleReply = [] | [status: string, decided: number]

interface Scripts {
  timersCreate(...args: Args): Promise<number>
  timersCreateMany(...args: Args): Promise<number[]>
  timersClaim(...args: Args): Promise<ClaimReply>
  timersDefer(...args: Args): Promise<number>
  timersSettle(...args: Args): Promise<SettleReply>
  timersRedrive(...args: Args): Promise<RedriveReply>
  timersDeferAndFetch(...args: unknown[]): Promise<[number, unknown]>
  timersSettleAndFetch(...args: unknown[]): Promise<[SettleReply, unknown]>
}

/** How BullMQ is asked for the next job: keys and arguments of its own script, and what is to become of the answer. */
export interface NextFetch {
  readonly keys: readonly string[]
  readonly args: readonly unknown[]
  readonly fetched: (reply: unknown) => void
}

/** Two scripts as one: ours, and then BullMQ's that fetches the next job. Each sees its own KEYS and ARGV. */
function withFetch(own: string, fetch: string, keys: number, args: number): string {
  return `local function part(all, from, to)
  local some = {}
  for at = from, to do some[at - from + 1] = all[at] end
  return some
end
local given = (function(KEYS, ARGV)
${own}
end)(part(KEYS, 1, ${keys}), part(ARGV, 1, ${args}))
local fetched = (function(KEYS, ARGV)
${fetch}
end)(part(KEYS, ${keys + 1}, #KEYS), part(ARGV, ${args + 1}, #ARGV))
return { given, fetched }
`
}

/** Name and text of each command, and how many keys it takes. */
const SCRIPTS = [
  ['timersCreate', 3, loadScript('create', 'places')],
  // Says by its first argument how many keys there are.
  ['timersCreateMany', undefined, loadScript('create-many')],
  ['timersClaim', 3, loadScript('claim', 'places')],
  ['timersDefer', 7, loadScript('defer', 'places')],
  ['timersSettle', 10, loadScript('settle', 'places')],
  ['timersRedrive', 4, loadScript('redrive', 'places')],
] as const

/** Commands whose nonces a timer remembers. */
const REMEMBERED = 16

/** Random once, then counted: random bytes cost 6 us a claim (docs/benchmarks.md). */
const PROCESS_NONCE = `${randomBytes(9).toString('base64url')}.`
let nonces = 0

/** Tells one call from all others, and is the same in its resends. Without colons and spaces. */
export function freshNonce(): string {
  nonces += 1
  return PROCESS_NONCE + nonces.toString(36)
}

/** What `claim.lua` answers, in the words of the domain. */
export type ClaimAnswer =
  | {
      readonly kind: 'granted'
      readonly attempt: number
      readonly plannedAt: number | undefined
      readonly budget: RetryBudget | undefined
      /** For how long the lock was still held when Redis answered, at the least; in milliseconds. */
      readonly leftMs: number
    }
  | {
      readonly kind: 'taken'
      readonly attempt: number
      readonly claimedAt: number
      readonly budget: RetryBudget | undefined
    }
  | { readonly kind: 'free' }
  | { readonly kind: 'finished'; readonly status: FinalStatus }
  | { readonly kind: 'early'; readonly at: number }
  | { readonly kind: 'lost' }

/** A new timer as it is stored. */
export interface NewTimer {
  readonly id: number
  readonly data: string
  readonly createdAt: number
  readonly dueAt: number
  /** Absent: the default one. */
  readonly owner?: string | undefined
}

/** Who has the timer in hand: its id and the token of the lock. */
export interface Holder {
  readonly id: number
  readonly token: string
}

export interface Outcome {
  readonly attempt: number
  /** Of the claim; '' where the attempt is another worker's that was given up for lost. */
  readonly nonce: string
  readonly result: AttemptResult
  readonly decision: Decision
}

/**
 * The commands on a timer of one shard: each is one Lua script, one atomic step, and safe to send again. The contracts
 * stand at the heads of the scripts in `lua/`.
 *
 * With `appendfsync always` what a command answers is on disk before it is known, so it holds over a crash of Redis.
 */
export class TimerCommands {
  readonly #redis: Scripts
  readonly #keys: ShardKeys
  /** The keys that nearly every command takes, in the order of the scripts. */
  readonly #places: readonly string[]

  /** @param fetch BullMQ's script that fetches a job, and how many keys it takes: for commands that give a timer back */
  constructor(redis: Redis, keys: ShardKeys, fetch?: { readonly content: string; readonly keys: number }) {
    for (const [name, numberOfKeys, text] of SCRIPTS) {
      if (!(name in redis)) redis.defineCommand(name, { ...(numberOfKeys !== undefined && { numberOfKeys }), lua: text })
    }
    if (fetch !== undefined && !('timersSettleAndFetch' in redis)) {
      for (const [name, own, ownKeys, ownArgs] of [
        ['timersDeferAndFetch', 'defer', 7, 5],
        ['timersSettleAndFetch', 'settle', 10, 12],
      ] as const) {
        redis.defineCommand(name, {
          numberOfKeys: ownKeys + fetch.keys,
          lua: withFetch(loadScript(own, 'places'), fetch.content, ownKeys, ownArgs),
        })
      }
    }
    this.#redis = redis as unknown as Scripts
    this.#keys = keys
    const { key, held } = keys
    this.#places = [key('stalled'), key('active'), key('delayed'), key('marker'), held]
  }

  /** @returns false where another timer has this id: Redis has handed it out twice */
  async create({ id, data, createdAt, dueAt, owner = '' }: NewTimer): Promise<boolean> {
    const { key } = this.#keys
    const jobId = jobIdOf(id)
    const keys = [key(jobId), key('delayed'), key('marker')]
    return (await this.#redis.timersCreate(...keys, jobId, data, createdAt, dueAt, owner)) === 1
  }

  /**
   * Creates many timers that have nothing but a due time, of one owner and made at the same moment, in one step of Redis.
   *
   * @returns the places in `timers` of those that are not stored, because another timer has the id
   */
  async createMany(
    timers: readonly Pick<NewTimer, 'id' | 'data' | 'dueAt'>[],
    { createdAt, owner = '' }: Pick<NewTimer, 'createdAt' | 'owner'>,
  ): Promise<number[]> {
    const { key } = this.#keys
    const keys = [key('delayed'), key('marker')]
    const args: Args = [createdAt, owner, key('').length + 1]
    for (const { id, data, dueAt } of timers) {
      keys.push(key(jobIdOf(id)))
      args.push(data, dueAt)
    }
    const taken = await this.#redis.timersCreateMany(keys.length, ...keys, ...args)
    return taken.map((place) => place - 1)
  }

  /** Asks for the right to send the next attempt of a timer; an empty nonce only looks. */
  async claim({ id, token }: Holder, nonce: string, now: number): Promise<ClaimAnswer> {
    const jobId = jobIdOf(id)
    const job = this.#keys.key(jobId)
    const keys = [job, `${job}:lock`, this.#keys.held]
    const [kind, first, at, budget, left] = await this.#redis.timersClaim(...keys, token, nonce, now, jobId)
    switch (kind) {
      case 'granted':
        return {
          kind,
          attempt: Number(first),
          plannedAt: at === '' ? undefined : Number(at),
          budget: toBudget(budget),
          leftMs: left ?? 0,
        }
      case 'taken':
        return { kind, attempt: Number(first), budget: toBudget(budget), claimedAt: Number(at) }
      case 'finished':
        return { kind, status: first as FinalStatus }
      case 'free':
        return { kind }
      case 'early':
        return { kind, at: Number(first) }
      default:
        return { kind: 'lost' }
    }
  }

  /** @returns false where the worker does not hold the timer (any more) */
  async defer(
    { id, token }: Holder,
    until: number,
    heldBy: HeldBy | undefined,
    dueAt: number,
    next?: NextFetch,
  ): Promise<boolean> {
    const jobId = jobIdOf(id)
    const job = this.#keys.key(jobId)
    const keys = [job, `${job}:lock`, ...this.#places]
    const args = [jobId, token, until, heldBy ?? '', dueAt]
    if (next === undefined) return (await this.#redis.timersDefer(...keys, ...args)) === 1
    const [done, fetched] = await this.#redis.timersDeferAndFetch(
      ...keys,
      ...next.keys,
      ...args,
      ...next.args,
    )
    next.fetched(fetched)
    return done === 1
  }

  /**
   * Writes an outcome and puts the timer where it belongs; without an outcome only the latter.
   *
   * @returns undefined where the timer is gone, removed after its retention
   */
  async settle(
    { id, token }: Holder,
    outcome: Outcome | undefined,
    now: number,
    next?: NextFetch,
  ): Promise<Settled | undefined> {
    const jobId = jobIdOf(id)
    const { key } = this.#keys
    const job = key(jobId)
    const keys = [job, `${job}:lock`, ...this.#places, key('wait'), key('completed'), key('failed')]
    const args = [jobId, token, now, ...(outcome === undefined ? NO_OUTCOME : outcomeArguments(outcome))]
    const [status, decided] = await this.#settle(keys, args, next)
    if (status === undefined) return undefined
    return { status: status === '' ? undefined : (status as FinalStatus), decided: decided === 1 }
  }

  async #settle(keys: Args, args: Args, next: NextFetch | undefined): Promise<SettleReply> {
    if (next === undefined) return this.#redis.timersSettle(...keys, ...args)
    const [settled, fetched] = await this.#redis.timersSettleAndFetch(
      ...keys,
      ...next.keys,
      ...args,
      ...next.args,
    )
    next.fetched(fetched)
    return settled
  }

  /**
   * Makes a failed or unknown timer due at `now`.
   *
   * @returns the timer after it, or why not
   */
  async redrive(id: number, nonce: string, now: number): Promise<TimerHash | 'missing' | 'refused'> {
    const { key } = this.#keys
    const jobId = jobIdOf(id)
    const keys = [key(jobId), key('failed'), key('delayed'), key('marker')]
    const [kind, flat = []] = await this.#redis.timersRedrive(...keys, jobId, now, nonce, REMEMBERED)
    return kind === 'done' ? toHash(flat) : kind
  }
}

const NO_OUTCOME: Args = [0, '', '', '', '', '', '', LOG_LENGTH, 0]

function outcomeArguments({ attempt, nonce, result, decision }: Outcome): Args {
  return [
    attempt,
    nonce,
    JSON.stringify(toEntry(attempt, result)),
    decision.kind === 'final' ? decision.status : '',
    decision.kind === 'retry' ? decision.at : '',
    leftAt(result) ?? '',
    outcomeInWords(result),
    LOG_LENGTH,
    result.sentAt,
  ]
}

function toBudget(text: string | undefined): RetryBudget | undefined {
  if (text === undefined || text === '') return undefined
  const [after = 0, from = 0] = text.split(':').map(Number)
  return { after, from }
}

/** What came of an attempt, in one line for operators. */
function outcomeInWords({ outcome, reason, responseStatus }: AttemptResult): string {
  const detail = reason ?? (responseStatus === undefined ? undefined : `status ${responseStatus}`)
  return detail === undefined ? outcome : `${outcome}: ${detail}`
}
