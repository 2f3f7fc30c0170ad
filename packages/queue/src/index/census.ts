import { setTimeout as sleep } from 'node:timers/promises'
import type { Census, Log } from '@timers/core'
import type { Redis } from 'ioredis'
import { errorFields } from '../nodes/error-fields.ts'
import type { ShardKeys } from '../shards/shard-keys.ts'
import type { Shards } from '../shards/shards.ts'
import { waitingTimers } from './waiting.ts'

/** How long what was found is told again without a look, and how long at most, in milliseconds. */
const FRESH_MS = 1_000
const KNOWN_FOR_MS = 6_000
/** Longest wait for a look, in milliseconds: who asks for metrics is told what is known by then. */
const LOOK_WITHIN_MS = 500
/** How many of those that are in hand are compared with the callbacks, and of those due with those held back. */
const COMPARED = 256

/**
 * Counts the timers from Redis' own sets, when it is asked: a process that nobody scrapes costs Redis nothing, and with many
 * shards and processes this would be most of what they cost at rest.
 */
export class CensusTaker {
  readonly #shards: Pick<Shards, 'all'>
  readonly #log: Log
  #looking: Promise<void> | undefined
  #last: { readonly census: Census; readonly at: number } | undefined

  constructor(shards: Pick<Shards, 'all'>, log: Log) {
    this.#shards = shards
    this.#log = log
  }

  /** Undefined where they cannot be counted: nothing is known then. Takes half a second at most, and never throws. */
  async take(): Promise<Census | undefined> {
    if (!this.#isKnownFor(FRESH_MS)) {
      this.#looking ??= this.look().finally(() => {
        this.#looking = undefined
      })
      await Promise.race([this.#looking, sleep(LOOK_WITHIN_MS, undefined, { ref: false })])
    }
    return this.#isKnownFor(KNOWN_FOR_MS) ? this.#last?.census : undefined
  }

  #isKnownFor(ms: number): boolean {
    return this.#last !== undefined && performance.now() - this.#last.at < ms
  }

  /** What was counted last, however long ago that was. */
  get last(): Census | undefined {
    return this.#last?.census
  }

  /** One look. Never throws. */
  async look(now = Date.now()): Promise<void> {
    if (!this.#shards.all.every(({ verified }) => verified)) return
    try {
      const counted = await Promise.all(this.#shards.all.map(({ reads, keys }) => count(reads, keys, now)))
      this.#last = { census: counted.reduce(sum, NONE), at: performance.now() }
    } catch (error) {
      // Redis is away: the connections say so themselves.
      this.#log.debug(errorFields(error), 'timers could not be counted')
    }
  }
}

const NONE: Census = { pending: 0, deferred: 0, overdue: 0, oldestOverdueMs: 0, callbacks: 0 }

function sum(a: Census, b: Census): Census {
  return {
    pending: a.pending + b.pending,
    deferred: a.deferred + b.deferred,
    overdue: a.overdue + b.overdue,
    oldestOverdueMs: Math.max(a.oldestOverdueMs, b.oldestOverdueMs),
    callbacks: a.callbacks + b.callbacks,
  }
}

async function count(redis: Redis, { key, held }: ShardKeys, now: number): Promise<Census> {
  const delayed = key('delayed')
  // BullMQ keeps `due * 4096 + n` as the score.
  const soFar = (now + 1) * 0x1000 - 1
  const [planned, waiting, due, deferred, oldestDelayed, oldestHeld, newest, waiters, told, givenUp] =
    await Promise.all([
      redis.zcard(delayed),
      redis.llen(key('wait')),
      redis.zcount(delayed, '-inf', soFar),
      redis.zcard(held),
      redis.zrange(delayed, 0, '0', 'WITHSCORES'),
      redis.zrange(held, 0, '0', 'WITHSCORES'),
      redis.zrevrangebyscore(delayed, soFar, '-inf', 'LIMIT', 0, COMPARED),
      waitingTimers(redis, key),
      redis.zcard(key('outbox')),
      redis.zcard(key('undelivered')),
    ])
  const callbacks = told - givenUp
  // Those whose turn has come are in both, until a worker takes them; theirs are the newest turns.
  const turns = [...newest, ...waiters.map(({ jobId }) => jobId)]
  const both = deferred === 0 ? 0 : await countIn(redis, held, turns)
  // Those that are under way do not wait.
  const inHand = callbacks === 0 ? [] : await redis.lrange(key('active'), -COMPARED, -1)
  const sending = await countIn(redis, key('outbox'), inHand)
  const oldest = [scoreOf(oldestDelayed) / 0x1000, scoreOf(oldestHeld), ...waiters.map(({ since }) => since)]
  return {
    pending: Math.max(0, planned + waiting - (callbacks - sending)),
    deferred,
    overdue: due + waiting + deferred - both,
    oldestOverdueMs: Math.max(0, now - Math.floor(Math.min(...oldest))),
    callbacks,
  }
}

async function countIn(redis: Redis, set: string, jobIds: readonly string[]): Promise<number> {
  if (jobIds.length === 0) return 0
  return (await redis.zmscore(set, ...jobIds)).filter((score) => score !== null).length
}

/** The score of the one member that was asked for, or infinity where there is none. */
function scoreOf(reply: readonly unknown[]): number {
  const [first] = reply.flat()
  return first === undefined ? Number.POSITIVE_INFINITY : Number(reply.flat()[1])
}
