import type { Redis } from 'ioredis'
import { define, loadScript } from '../timers/scripts.ts'
import { type Layout, Layouts, layoutText, parseLayout } from './layouts.ts'
import type { ShardKeys } from './shard-keys.ts'

const REPLACE_TEXT = loadScript('replace')

interface Scripts extends Redis {
  timersReplace(key: string, before: string, after: string): Promise<string>
}

/**
 * The layouts as Redis has them, in two keys of the first shard: `shards`, the number of shards of the first layout, as releases
 * before layouts have it, too; and `layouts`, there only where shards were added: the number of the layout that all shards follow,
 * and then each later one than the first.
 */
export interface LayoutRecord {
  readonly layouts: Layouts
  /** Number of the layout that all shards follow, or a later one. */
  readonly settled: number
}

/** How they were found: what is to be replaced by what is written next. */
export interface ReadRecord extends LayoutRecord {
  /** The text of `layouts`; '' where there is none. */
  readonly text: string
}

/** Undefined where nothing is recorded. */
export async function readRecord(redis: Redis, keys: ShardKeys): Promise<ReadRecord | undefined> {
  const [shards, text] = await redis.mget(keys.shardCount, keys.layouts)
  return Number(shards) > 0 ? parseRecord(Number(shards), text ?? '') : undefined
}

/** Writes what is recorded where nothing is, for an empty Redis. Returns what is recorded now. */
export async function beginRecord(redis: Redis, keys: ShardKeys, shards: number): Promise<ReadRecord> {
  await redis.setnx(keys.shardCount, shards)
  return (await readRecord(redis, keys)) as ReadRecord
}

/** Writes a record in the place of one that was read, if that still stands. Returns what is recorded now. */
export async function replaceRecord(
  redis: Redis,
  keys: ShardKeys,
  read: ReadRecord,
  next: LayoutRecord,
): Promise<ReadRecord> {
  define(redis, 'timersReplace', 1, REPLACE_TEXT)
  const text = await (redis as Scripts).timersReplace(keys.layouts, read.text, recordText(next))
  return parseRecord(read.layouts.first.shards, text)
}

function parseRecord(shards: number, text: string): ReadRecord {
  const [settled = '0', ...later] = text === '' ? [] : text.split(' ')
  const first: Layout = { from: 0, shards }
  return { layouts: new Layouts([first, ...later.map(parseLayout)]), settled: Number(settled), text }
}

function recordText({ layouts, settled }: LayoutRecord): string {
  return [settled, ...layouts.list.slice(1).map(layoutText)].join(' ')
}

/**
 * What two records say together, where one is the other gone on: a failover may make Redis forget the last that was written.
 * Undefined where they contradict each other.
 */
export function joined(a: LayoutRecord, b: LayoutRecord): LayoutRecord | undefined {
  const [short, long] = a.layouts.number < b.layouts.number ? [a.layouts, b.layouts] : [b.layouts, a.layouts]
  const agree = short.list.every(({ from, shards }, at) => {
    const other = long.list[at]
    return other?.from === from && other.shards === shards
  })
  return agree ? { layouts: long, settled: Math.max(a.settled, b.settled) } : undefined
}

export function isSame(a: LayoutRecord, b: LayoutRecord): boolean {
  return a.layouts.number === b.layouts.number && a.settled === b.settled
}
