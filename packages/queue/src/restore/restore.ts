import { setTimeout as sleep } from 'node:timers/promises'
import type { AttemptResult, Callback } from '@timers/core'
import type { Redis } from 'ioredis'
import { missingRight } from '../nodes/missing-right.ts'
import { Growth } from '../shards/growth.ts'
import { jobIdOf, timerIdOf } from '../shards/shard-keys.ts'
import type { RedisOptions } from '../shards/shards.ts'
import { type Shard, Shards } from '../shards/shards.ts'
import { toTimer } from '../timers/stored-timer.ts'

/** How long Redis may take to be there and verified, in milliseconds. */
const PATIENCE_MS = 10_000
/** How long services that were just stopped may still be listed by Redis, in milliseconds. */
const LISTED_MS = 3_000
const LOOK_MS = 100
/** Timers that one step looks at. */
const STEP = 200
/**
 * Ids that may have been handed out since the backup: more a second than one Redis can create (docs/benchmarks.md), and
 * never less than this, which is more than adding shards once passes over (shards/growth.ts). There are 9 * 10^15 of them.
 */
const IDS_A_SECOND = 20_000
const LEAST_IDS = 100_000_000

/** The data was restored in this very way before, or must not be now. */
export class RestoreRefused extends Error {
  override readonly name = 'RestoreRefused'
}

export interface RestoreOptions extends RedisOptions {
  /** Who is told of the ends of all timers. */
  readonly events?: Callback | undefined
}

export interface Restored {
  /** Timers that became `unknown`. */
  readonly doubted: number
  /** Timers with `at_least_once` that may have been sent, and are sent (again): that is what they asked for. */
  readonly sentAgain: number
  /** Whether the same was done before, and nothing was to do. */
  readonly before: boolean
}

/**
 * Makes data that was restored from a backup safe to go on with. To be run after the restore, before any service.
 *
 * A timer that came due after the backup was made, or was under way then, may have been sent since: Redis has forgotten.
 * It becomes `unknown` instead of being sent twice, except where it asked for `at_least_once`. Ids skip ahead of all
 * that may have been handed out since. What is still to come fires as if nothing had happened.
 *
 * Safe to repeat: what was done half is completed, what was done whole is left alone.
 *
 * @param restoredAt when the backup was made, epoch ms
 * @throws RestoreRefused where services are connected, Redis cannot be reached, or the time makes no sense
 */
export async function restoreTimers(
  options: RestoreOptions,
  restoredAt: number,
  now = Date.now(),
): Promise<Restored> {
  if (!(restoredAt <= now)) throw new RestoreRefused('the backup must have been made in the past')
  const shards = new Shards(options, { changes: true, events: options.events })
  try {
    const problem = await shards.problemAfter(PATIENCE_MS)
    if (problem !== undefined) throw new RestoreRefused(problem)
    await refuseServices(shards)
    const { reads, keys } = shards.all[0] as Shard
    const key = keys.key('restored')
    if ((await reads.get(key)) === String(restoredAt)) return { doubted: 0, sentAgain: 0, before: true }
    // Ids of a layout that was under way in the backup, and has come since, have to be left out, too. Nobody has to hear of it first.
    await new Growth(shards, { readByAllMs: 0 }).finish()
    const skipped = Math.max(LEAST_IDS, Math.ceil(((now - restoredAt) / 1_000) * IDS_A_SECOND))
    let [doubted, sentAgain] = [0, 0]
    for (const shard of shards.all) {
      await shard.leaveOutIds(skipped)
      const found = await doubtDue(shard, now)
      doubted += found.doubted
      sentAgain += found.sentAgain
    }
    await reads.set(key, String(restoredAt))
    return { doubted, sentAgain, before: false }
  } finally {
    shards.close()
  }
}

/** A worker would send what is about to become `unknown`; an API would hand out ids that are about to be skipped. */
async function refuseServices(shards: Shards): Promise<void> {
  const own = (shards.all[0] as Shard).reads
  const deadline = performance.now() + LISTED_MS
  for (;;) {
    const clients = await listClients(own)
    const workers = clients.match(/ name=timers-worker /g)?.length ?? 0
    // One of these is our own.
    const apis = (clients.match(/ name=timers-producer /g)?.length ?? 0) - 1
    if (workers === 0 && apis <= 0) return
    // Those that have just been stopped may still be in the list.
    if (performance.now() > deadline) {
      throw new RestoreRefused(
        `stop all services first: ${workers > 0 ? 'workers' : 'APIs'} are connected to this Redis`,
      )
    }
    await sleep(LOOK_MS)
  }
}

async function listClients(redis: Redis): Promise<string> {
  try {
    return String(await redis.client('LIST'))
  } catch (error) {
    throw new RestoreRefused(missingRight(error) ?? 'Redis does not tell who is connected', { cause: error })
  }
}

async function doubtDue(shard: Shard, now: number): Promise<Pick<Restored, 'doubted' | 'sentAgain'>> {
  const { reads, keys } = shard
  let doubted = 0
  const sentAgain = new Set<string>()
  const places = [
    (from: number) => reads.lrange(keys.key('active'), from, from + STEP - 1),
    (from: number) => reads.lrange(keys.key('wait'), from, from + STEP - 1),
    // Those that are held back are among the delayed ones, due later than they were.
    (from: number) => reads.zrange(keys.held, from, String(from + STEP - 1)),
    (from: number) =>
      reads.zrangebyscore(keys.key('delayed'), '-inf', (now + 1) * 0x1000 - 1, 'LIMIT', from, STEP),
  ]
  for (const place of places) {
    // Those that stay are passed over; the others leave the place, and the next ones move up.
    for (let stay = 0; ; ) {
      const jobIds = await place(stay)
      if (jobIds.length === 0) break
      for (const jobId of jobIds) {
        const became = await doubt(shard, timerIdOf(jobId), now)
        if (became === 'unknown') doubted += 1
        else stay += 1
        if (became === 'sent again') sentAgain.add(jobId)
      }
    }
  }
  return { doubted, sentAgain: sentAgain.size }
}

/** What becomes of a timer that is due, or under way. One that becomes `unknown` leaves the place it was found in. */
async function doubt(
  { reads, keys, commands }: Shard,
  id: number,
  now: number,
): Promise<'unknown' | 'sent again' | 'as it was'> {
  const job = keys.key(jobIdOf(id))
  const [hash, token] = await Promise.all([reads.hgetall(job), reads.get(`${job}:lock`)])
  if (hash.data === undefined || hash.st !== undefined) return 'as it was'
  const { mode, dueAt } = toTimer(id, hash)
  if (mode === 'at_least_once') return 'sent again'
  const result: AttemptResult = {
    outcome: 'interrupted',
    sentAt: Math.min(dueAt, now),
    reason: 'restored from a backup: it may have been sent after that was made',
  }
  const attempt = Number(hash.an ?? 0) + 1
  const decision = { kind: 'final', status: 'unknown' } as const
  await commands.settle(
    { id, token: token ?? '', taking: hash.ats },
    { attempt, nonce: '', result, decision },
    now,
  )
  return 'unknown'
}
