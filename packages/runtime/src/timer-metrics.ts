import type { Census, RedisNodeState } from '@timers/core'
import type { Metrics } from './metrics.ts'
import { createRedisNodeMetrics } from './redis-node-metrics.ts'

/** What the gauges that API and worker share are read from. */
export interface TimerGauges {
  /** Undefined while Redis cannot be read. */
  readonly census: () => Promise<Census | undefined>
  /** Redis' clock minus ours, in milliseconds; undefined while it is not known. */
  readonly clockSkewMs: () => number | undefined
  /** The servers that hold the timers, as they were found at the last look. */
  readonly nodes: () => readonly RedisNodeState[]
  /** What `/readyz` says. */
  readonly ready: () => boolean
}

/**
 * The gauges that API and worker both export: with no worker at all, it is the API that tells how late timers are.
 *
 * Those of the census and the skew have no series while nobody knows the value; see `Metrics.gauge`.
 */
export function createTimerMetrics(
  metrics: Metrics,
  { census, clockSkewMs, nodes, ready }: TimerGauges,
): void {
  const fromCensus = (name: string, help: string, read: (found: Census) => number) =>
    metrics.gauge(name, help, async () => {
      const found = await census()
      return found && read(found)
    })
  fromCensus(
    'timers_pending',
    'Timers that wait for their time or their next attempt',
    (found) => found.pending,
  )
  fromCensus('timers_deferred', 'Timers that are due and held back', (found) => found.deferred)
  fromCensus(
    'timers_overdue',
    'Timers past their due time and not sent, held back or not',
    (found) => found.overdue,
  )
  fromCensus(
    'timers_oldest_overdue_seconds',
    'How long the longest-waiting overdue timer has waited',
    (found) => found.oldestOverdueMs / 1_000,
  )
  fromCensus(
    'timers_callbacks_pending',
    'Callbacks and events that are written down and not delivered',
    (found) => found.callbacks,
  )
  metrics.gauge('timers_redis_clock_skew_seconds', 'Clock of Redis minus clock of this machine', () => {
    const skewMs = clockSkewMs()
    return skewMs === undefined ? undefined : skewMs / 1_000
  })
  metrics.gauge('timers_ready', 'Whether /readyz says 200: Redis is there and safe to rely on', () =>
    Number(ready()),
  )
  createRedisNodeMetrics(metrics, nodes)
}
