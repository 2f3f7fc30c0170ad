import { TimerError } from '@timers/core'
import type { Redis } from 'ioredis'
import { FORMAT } from '../timers/stored-timer.ts'
import type { ShardKeys } from './shard-keys.ts'

/**
 * Events that BullMQ keeps for a shard. They cannot be switched off, and nobody reads them: keep the stream short.
 * (It is trimmed by whole nodes of 100, so it may hold twice as many.)
 */
const EVENT_STREAM_LENGTH = 100
/** Format of data that was written before formats had a number: release 0.1. */
const FIRST_FORMAT = 1
/**
 * What is recorded in place of `FORMAT` once shards were added. Timers lie as they did; but releases that know nothing of layouts
 * would look for them in the wrong shards, and must keep out.
 */
export const GROWN_FORMAT = 4

/**
 * Asks in which format the timers are, and records it where nothing is recorded yet. Reads before it writes: a Redis that takes no
 * writes now (out of memory, disk full) still tells of its timers.
 *
 * @returns version of the form in which the oldest of the timers may be kept
 * @throws TimerError `DATA_TOO_NEW`: this process must not use this Redis; or whatever the connection throws
 */
export async function checkFormat(redis: Redis, { format: key, shardCount }: ShardKeys): Promise<number> {
  let recorded = await redis.get(key)
  if (recorded === null) {
    // Release 0.1 recorded the number of shards, and nothing else.
    const older = (await redis.exists(shardCount)) === 1
    await redis.setnx(key, older ? FIRST_FORMAT : FORMAT)
    recorded = await redis.get(key)
  }
  const format = Number(recorded)
  if (format > GROWN_FORMAT) {
    throw new TimerError(
      'DATA_TOO_NEW',
      `this Redis holds timers in format ${format}, and this release knows formats up to ${GROWN_FORMAT}: use a newer release`,
    )
  }
  return format
}

/** Keeps short what nobody reads. */
export async function shortenEvents(redis: Redis, { key }: ShardKeys): Promise<void> {
  const [meta, field] = [key('meta'), 'opts.maxLenEvents']
  const length = Number(await redis.hget(meta, field))
  if (length !== EVENT_STREAM_LENGTH) await redis.hset(meta, field, EVENT_STREAM_LENGTH)
}
