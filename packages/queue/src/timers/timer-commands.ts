import type {
  AttemptResult,
  Callback,
  Decision,
  FinalStatus,
  HeldBy,
  RetryBudget,
  Settled,
} from '@timers/core'
import type { Redis } from 'ioredis'
import { NotConfirmedError } from '../nodes/acks.ts'
import { jobIdOf, type ShardKeys } from '../shards/shard-keys.ts'
import { define, defineConfirmed, loadScript } from './scripts.ts'
import { toListener } from './stored-change.ts'
import { LOG_LENGTH, leftAt, toEntry } from './stored-timer.ts'

type Args = (string | number)[]
type ClaimReply = [
  kind: string,
  first?: string | number,
  at?: string | number,
  budget?: string,
  left?: number,
]
type SettleReply = [] | [status: string, decided: number]

interface Scripts {
  timersClaim(...args: Args): Promise<ClaimReply>
  timersPeek(...args: Args): Promise<ClaimReply>
  timersDefer(...args: Args): Promise<number>
  timersRecall(...args: Args): Promise<number>
  timersSettle(...args: Args): Promise<SettleReply>
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
function withFetch(own: string, fetch: string, { keys, args }: { keys: number; args: number }): string {
  return `local given = (function(KEYS, ARGV)
${own}
end)({ unpack(KEYS, 1, ${keys}) }, { unpack(ARGV, 1, ${args}) })
local fetched = (function(KEYS, ARGV)
${fetch}
end)({ unpack(KEYS, ${keys + 1}) }, { unpack(ARGV, ${args + 1}) })
return { given, fetched }
`
}

/** Keys and arguments of the commands that fetch the next job in the same step. */
const DEFER = { keys: 7, args: 6 }
const SETTLE = { keys: 8, args: 15 }

const CLAIM_TEXT = loadScript('claim', {
  includes: ['places', 'delay', 'let-go', 'labels', 'finish', 'mint', 'outbox', 'again'],
  gives: ['baseOf', 'letGo', 'release', 'endWait', 'unindex', 'finish', 'announce', 'writeAgain'],
})
const DEFER_TEXT = loadScript('defer', 'places', 'delay', 'let-go')
const RECALL_TEXT = loadScript('recall', 'delay')
const SETTLE_TEXT = loadScript('settle', 'finish', 'let-go', {
  includes: ['places', 'delay', 'labels', 'unfinish', 'mint', 'outbox'],
  gives: ['dueBefore', 'delay', 'release', 'endWait', 'unindex', 'unfinish', 'announce'],
})

/** What `claim.lua` answers, in the words of the domain. */
export type ClaimAnswer =
  | {
      readonly kind: 'granted'
      readonly attempt: number
      readonly plannedAt: number | undefined
      readonly budget: RetryBudget | undefined
      /** For how long the lock was still held when Redis answered, at the least; in milliseconds. */
      readonly leftMs: number
      /** Not enough replicas have it yet: a failover may forget it. */
      readonly unconfirmed?: true
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
  | { readonly kind: 'expired' | 'changed' | 'lost' }

/** Who has the timer in hand: its id, the token of the lock, and what of the timer was read as it was taken. */
export interface Holder {
  readonly id: number
  readonly token: string
  /** The field `vn`; absent where it was never changed. */
  readonly version?: string | undefined
  /** The field `ats`: tells this taking from a later one under the same token. Absent where it was never taken. */
  readonly taking?: string | undefined
}

export interface Outcome {
  readonly attempt: number
  /** Of the claim; '' where the attempt is another worker's that was given up for lost. */
  readonly nonce: string
  readonly result: AttemptResult
  readonly decision: Decision
}

export interface CommandOptions {
  /** BullMQ's script that fetches a job, and how many keys it takes: for commands that give a timer back. */
  readonly fetch?: { readonly content: string; readonly keys: number }
  /** Who is told of the ends of all timers. */
  readonly events?: Callback | undefined
}

/**
 * What a worker does with a timer of one shard: each command is one Lua script, one atomic step, and safe to send again.
 * The contracts stand at the heads of the scripts in `lua/`. (What clients do is in client-commands.ts.)
 *
 * With `appendfsync always` what a command answers is on disk before it is known, so it holds over a crash of Redis.
 */
export class TimerCommands {
  readonly #redis: Scripts
  readonly #keys: ShardKeys
  /** The keys that nearly every command takes, in the order of the scripts. */
  readonly #places: readonly string[]
  readonly #events: string

  constructor(redis: Redis, keys: ShardKeys, { fetch, events }: CommandOptions = {}) {
    defineConfirmed(redis, 'timersClaim', 3, CLAIM_TEXT)
    // Another script to Redis: who only looks waits for no replica.
    define(redis, 'timersPeek', 3, `-- peek\n${CLAIM_TEXT}`)
    define(redis, 'timersDefer', DEFER.keys, DEFER_TEXT)
    define(redis, 'timersRecall', 3, RECALL_TEXT)
    define(redis, 'timersSettle', SETTLE.keys, SETTLE_TEXT)
    if (fetch !== undefined) {
      const { content, keys: more } = fetch
      define(redis, 'timersDeferAndFetch', DEFER.keys + more, withFetch(DEFER_TEXT, content, DEFER))
      define(redis, 'timersSettleAndFetch', SETTLE.keys + more, withFetch(SETTLE_TEXT, content, SETTLE))
    }
    this.#redis = redis as unknown as Scripts
    this.#keys = keys
    this.#events = toListener(events)
    const { key, held } = keys
    this.#places = [key('stalled'), key('active'), key('delayed'), key('marker'), held]
  }

  /** Asks for the right to send the next attempt of a timer; an empty nonce only looks. */
  async claim(
    { id, token, version = '', taking = '' }: Holder,
    nonce: string,
    now: number,
  ): Promise<ClaimAnswer> {
    const jobId = jobIdOf(id)
    const { key, held, layout } = this.#keys
    const job = key(jobId)
    const keys = [job, `${job}:lock`, held]
    const args = [token, nonce, now, jobId, version, layout, this.#events, taking]
    let unconfirmed = {}
    const command = nonce === '' ? 'timersPeek' : 'timersClaim'
    const reply = await this.#redis[command](...keys, ...args).catch((error) => {
      if (!(error instanceof NotConfirmedError)) throw error
      unconfirmed = { unconfirmed: true }
      return error.answer as ClaimReply
    })
    const [kind, first, at, budget, left] = reply
    switch (kind) {
      case 'granted':
        return {
          kind,
          attempt: Number(first),
          plannedAt: at === '' ? undefined : Number(at),
          budget: toBudget(budget),
          leftMs: left ?? 0,
          ...unconfirmed,
        }
      case 'taken':
        return { kind, attempt: Number(first), budget: toBudget(budget), claimedAt: Number(at) }
      case 'finished':
        return { kind, status: first as FinalStatus }
      case 'free':
      case 'expired':
      case 'changed':
        return { kind }
      case 'early':
        return { kind, at: Number(first) }
      default:
        return { kind: 'lost' }
    }
  }

  /** @returns false where the worker does not hold the timer (any more) */
  async defer(
    { id, token, taking = '' }: Holder,
    until: number,
    heldBy: HeldBy | undefined,
    dueAt: number,
    next?: NextFetch,
  ): Promise<boolean> {
    const jobId = jobIdOf(id)
    const job = this.#keys.key(jobId)
    const keys = [job, `${job}:lock`, ...this.#places]
    const args = [jobId, token, until, heldBy ?? '', dueAt, taking]
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
   * Brings a timer forward that was deferred until `from`, to `at` (both epoch ms).
   *
   * @returns false where it is not where it was put any more
   */
  async recall(
    { id, taking = '' }: Omit<Holder, 'token'>,
    heldBy: HeldBy,
    from: number,
    at: number,
  ): Promise<boolean> {
    const jobId = jobIdOf(id)
    const { key } = this.#keys
    const keys = [key(jobId), key('delayed'), key('marker')]
    return (await this.#redis.timersRecall(...keys, jobId, heldBy, from, at, taking)) === 1
  }

  /**
   * Writes an outcome and puts the timer where it belongs; without an outcome only the latter.
   *
   * @returns undefined where the timer is gone, removed after its retention
   */
  async settle(
    { id, token, taking = '' }: Holder,
    outcome: Outcome | undefined,
    now: number,
    next?: NextFetch,
  ): Promise<Settled | undefined> {
    const jobId = jobIdOf(id)
    const { key } = this.#keys
    const job = key(jobId)
    const keys = [job, `${job}:lock`, ...this.#places, key('wait')]
    const told = outcome === undefined ? NO_OUTCOME : outcomeArguments(outcome)
    const args = [jobId, token, now, ...told, this.#keys.layout, this.#events, taking]
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
