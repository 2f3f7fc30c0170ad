import type { ForecastQuery } from '@timers/core'
import type { Shard } from '../shards/shards.ts'
import { waitingCallbacks } from './callbacks.ts'
import { withScripts } from './scripts.ts'

/** Buckets that one command counts. */
const TOGETHER = 100

/**
 * How many timers wake up in each bucket of the time from `from` to `to`, over all shards: at their due time or, where that
 * is past, at their next attempt. The last bucket ends at `to`. Each timer that stands still is counted once.
 */
export async function forecast(shards: readonly Shard[], query: ForecastQuery): Promise<number[]> {
  const edges = edgesOf(query)
  const counted = await Promise.all(shards.map((shard) => forecastShard(shard, edges, query)))
  return edges.slice(1).map((_, at) => counted.reduce((sum, counts) => sum + (counts[at] ?? 0), 0))
}

/** Where each bucket begins, and where the last one ends. */
function edgesOf({ from, to, bucketMs }: ForecastQuery): number[] {
  const edges: number[] = []
  for (let at = from; at < to; at += bucketMs) edges.push(at)
  return [...edges, to]
}

async function forecastShard(
  shard: Shard,
  edges: readonly number[],
  query: ForecastQuery,
): Promise<number[]> {
  const { reads, keys } = shard
  const counts: number[] = []
  for (let at = 0; at < edges.length - 1; at += TOGETHER) {
    const scores = edges.slice(at, at + TOGETHER + 1).map((edge) => edge * 0x1000)
    counts.push(...(await withScripts(reads).timersForecast(keys.key('delayed'), ...scores)))
  }
  const [outbox, undelivered] = await Promise.all(
    ['outbox', 'undelivered'].map((set) => reads.zcard(keys.key(set))),
  )
  for (const { wakesAt } of await waitingCallbacks(shard, (outbox ?? 0) - (undelivered ?? 0))) {
    const at = Math.floor((wakesAt - query.from) / query.bucketMs)
    const count = counts[at]
    if (wakesAt < query.to && count !== undefined) counts[at] = Math.max(0, count - 1)
  }
  return counts
}
