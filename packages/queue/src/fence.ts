import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AttemptResult, Claim, Decision, FinalStatus, Peek, RetryBudget } from '@timers/core'
import type { Redis } from 'ioredis'
import { jobIdOf, type ShardKeys } from './shards.ts'
import { LOG_LENGTH, leftAt, toEntry } from './stored-timer.ts'

type ClaimReply = [kind: string, first?: string | number, at?: string | number, budget?: string]
type RecordReply = [] | [status: string, nextAt: string, held: number]

interface FenceCommands {
  timersClaim(...args: (string | number)[]): Promise<ClaimReply>
  timersRecord(...args: (string | number)[]): Promise<RecordReply>
  timersRedrive(...args: (string | number)[]): Promise<'done' | 'missing' | 'refused'>
}

/** What is true of a timer after an outcome was offered. */
export interface Recorded {
  readonly status: FinalStatus | undefined
  readonly nextAt: number | undefined
  /** Whether the caller still holds the job. */
  readonly held: boolean
}

/** Random once, then counted: random bytes cost 6 us a claim (docs/benchmarks.md). */
const PROCESS_NONCE = `${randomBytes(9).toString('base64url')}.`
let nonces = 0

const lua = (name: string) => readFileSync(new URL(`../lua/${name}.lua`, import.meta.url), 'utf8')

/**
 * The fence: who may send an attempt, and what came of it, each in one atomic step beside the job itself.
 *
 * At most one caller is ever granted an attempt. With `appendfsync always` the grant is on disk before it is known,
 * so it holds over a crash of Redis. The scripts and their contracts: `lua/claim.lua`, `lua/record.lua`,
 * `lua/redrive.lua`.
 */
export class Fence {
  readonly #redis: FenceCommands

  constructor(redis: Redis) {
    redis.defineCommand('timersClaim', { numberOfKeys: 2, lua: lua('claim') })
    redis.defineCommand('timersRecord', { numberOfKeys: 6, lua: lua('includes/revive') + lua('record') })
    redis.defineCommand('timersRedrive', { numberOfKeys: 4, lua: lua('includes/revive') + lua('redrive') })
    this.#redis = redis as unknown as FenceCommands
  }

  /** A nonce for `claim`: fresh for each invocation, the same for resends of it. */
  static nonce(): string {
    nonces += 1
    return PROCESS_NONCE + nonces.toString(36)
  }

  /** Asks for the right to send the next attempt of a timer. `nonce` tells resends of one call apart from other calls. */
  async claim(keys: ShardKeys, id: number, token: string, nonce: string, now: number): Promise<Claim> {
    const claim = await this.#claim(keys, id, token, nonce, now)
    return claim.kind === 'free' ? { kind: 'lost' } : claim
  }

  /** What `claim` would find, claiming nothing. */
  async peek(keys: ShardKeys, id: number, token: string, now: number): Promise<Peek> {
    const claim = await this.#claim(keys, id, token, '', now)
    return claim.kind === 'granted' ? { kind: 'free' } : claim
  }

  async #claim(
    keys: ShardKeys,
    id: number,
    token: string,
    nonce: string,
    now: number,
  ): Promise<Claim | Peek> {
    const job = keys.key(jobIdOf(id))
    const [kind, first, at, budget] = await this.#redis.timersClaim(job, `${job}:lock`, token, nonce, now)
    switch (kind) {
      case 'granted':
        return {
          kind,
          attempt: Number(first),
          plannedAt: at === '' ? undefined : Number(at),
          budget: toBudget(budget),
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

  /** Makes a failed or unknown timer due at `now`, in one step. */
  redrive(keys: ShardKeys, id: number, now: number): Promise<'done' | 'missing' | 'refused'> {
    const jobId = jobIdOf(id)
    return this.#redis.timersRedrive(
      keys.key(jobId),
      keys.key('failed'),
      keys.key('delayed'),
      keys.key('marker'),
      jobId,
      now,
    )
  }

  /** @returns undefined where the timer is gone, removed after its retention */
  async record(
    keys: ShardKeys,
    id: number,
    token: string,
    nonce: string,
    attempt: number,
    result: AttemptResult,
    decision: Decision,
  ): Promise<Recorded | undefined> {
    const job = keys.key(jobIdOf(id))
    const reply = await this.#redis.timersRecord(
      job,
      `${job}:lock`,
      keys.key('failed'),
      keys.key('completed'),
      keys.key('delayed'),
      keys.key('marker'),
      token,
      attempt,
      nonce,
      JSON.stringify(toEntry(attempt, result)),
      decision.kind === 'final' ? decision.status : '',
      decision.kind === 'retry' ? decision.at : '',
      leftAt(result) ?? '',
      failedReason(result),
      jobIdOf(id),
      LOG_LENGTH,
      result.sentAt,
    )
    if (reply.length === 0) return undefined
    const [status, nextAt, held] = reply
    return {
      status: status === '' ? undefined : (status as FinalStatus),
      nextAt: nextAt === '' ? undefined : Number(nextAt),
      held: held === 1,
    }
  }
}

function toBudget(text: string | undefined): RetryBudget | undefined {
  if (text === undefined || text === '') return undefined
  const [after = 0, from = 0] = text.split(':').map(Number)
  return { after, from }
}

/** Why a timer did not fire, in one line for operators. */
export function failedReason(result: AttemptResult): string {
  const detail =
    result.reason ?? (result.responseStatus === undefined ? '' : `status ${result.responseStatus}`)
  return detail === '' ? result.outcome : `${result.outcome}: ${detail}`
}
