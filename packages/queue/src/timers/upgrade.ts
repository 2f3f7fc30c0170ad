import type { Log } from '@timers/core'
import type { Redis } from 'ioredis'
import { errorFields } from '../nodes/error-fields.ts'
import { jobIdOf, type ShardKeys } from '../shards/shard-keys.ts'
import type { Shard, Shards } from '../shards/shards.ts'
import { define, loadScript } from './scripts.ts'
import { FORMAT, type TimerData } from './stored-timer.ts'

/** Keys that one step looks at. */
const STEP = 200

const UPGRADE_TEXT = loadScript('upgrade', 'places')
const ARRANGE_TEXT = loadScript('arrange', 'places')

interface Scripts extends Redis {
  timersUpgrade(job: string, before: string, after: string, jobId: string): Promise<number>
  timersArrange(
    set: string,
    name: string,
    from: string,
    most: number,
  ): Promise<[looked: number, moved: number, last: string]>
}

/**
 * Brings the timers of an older format into the present one, while they are created and fired: both forms can be read
 * at any time. What is left half way is begun anew at the next start of a worker. Never throws.
 */
export async function upgradeTimers(shards: Shards, log: Log): Promise<void> {
  const [first] = shards.all
  if (first === undefined || shards.format >= FORMAT) return
  log.info({ from: shards.format, to: FORMAT }, 'bringing timers into the format of this release')
  try {
    let upgraded = 0
    for (const shard of shards.all) upgraded += await upgradeShard(shard)
    await first.reads.set(first.keys.format, FORMAT)
    log.info({ upgraded, format: FORMAT }, 'timers are in the format of this release')
  } catch (error) {
    log.warn(
      errorFields(error),
      'timers were not all brought into the format of this release: to be done later',
    )
  }
}

/** Brings one timer into the present format. */
export async function upgradeTimer(redis: Redis, keys: ShardKeys, id: number): Promise<void> {
  await upgradeJob(scriptsOf(redis), keys, jobIdOf(id))
}

function scriptsOf(reads: Redis): Scripts {
  define(reads, 'timersUpgrade', 1, UPGRADE_TEXT)
  define(reads, 'timersArrange', 1, ARRANGE_TEXT)
  return reads as Scripts
}

/** Returns how many were changed: one or none. */
async function upgradeJob(redis: Scripts, { key }: ShardKeys, jobId: string): Promise<number> {
  const data = (await redis.hget(key(jobId), 'data')) ?? ''
  return redis.timersUpgrade(key(jobId), data, upgradedData(data), jobId)
}

async function upgradeShard({ reads, keys }: Shard): Promise<number> {
  const redis = scriptsOf(reads)
  const isTimer = new RegExp(`^${escaped(keys.key(''))}t\\d+$`)
  let upgraded = 0
  let cursor = '0'
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', `${globbed(keys.key(''))}t*`, 'COUNT', STEP)
    cursor = next
    const changes = await Promise.all(
      found
        .filter((key) => isTimer.test(key))
        .map((key) => upgradeJob(redis, keys, key.slice(keys.key('').length))),
    )
    upgraded += changes.reduce((sum, changed) => sum + changed, 0)
  } while (cursor !== '0')
  for (const set of ['completed', 'failed']) upgraded += await arrange(redis, keys, set)
  return upgraded
}

/**
 * Those that are moved go to a lower score, behind the ones still to be looked at. What finishes meanwhile lies right, and
 * may be looked at too.
 */
async function arrange(redis: Scripts, keys: ShardKeys, set: string): Promise<number> {
  let moved = 0
  let from = '-inf'
  for (;;) {
    const [looked, went, last] = await redis.timersArrange(keys.key(set), set, from, STEP)
    moved += went
    if (looked < STEP) return moved
    // A whole step with one score that lies right is passed over.
    from = went === 0 && last === from ? `(${last}` : last
  }
}

/** `p`, a JSON value, becomes `b`, its text. */
function upgradedData(text: string): string {
  if (text === '') return text
  const { p, ...rest } = JSON.parse(text) as TimerData
  return p === undefined ? text : JSON.stringify({ ...rest, b: JSON.stringify(p) })
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** For MATCH: braces are plain there, the rest of a key of ours is too. */
function globbed(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&')
}
