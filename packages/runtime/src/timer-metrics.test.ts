import type { Census } from '@timers/core'
import { createMetrics } from './metrics.ts'
import { createTimerMetrics } from './timer-metrics.ts'

const samples = async ({ registry }: ReturnType<typeof createMetrics>) =>
  (await registry.metrics())
    .split('\n')
    .filter((line) => line.startsWith('timers_') && !line.startsWith('timers_build_info'))

describe('createTimerMetrics', () => {
  let census: Census | undefined
  let clockSkewMs: number | undefined
  let ready: boolean
  const metrics = createMetrics('api')
  createTimerMetrics(metrics, {
    census: async () => census,
    clockSkewMs: () => clockSkewMs,
    nodes: () => [],
    ready: () => ready,
  })

  test('a process that has not read Redis yet says nothing of timers, not that all is well', async () => {
    ready = false
    expect(await samples(metrics)).toEqual(['timers_ready{service="api"} 0'])
  })

  test('tells the census, the skew in seconds, and readiness', async () => {
    census = { pending: 7, deferred: 2, overdue: 3, oldestOverdueMs: 61_500, callbacks: 4 }
    clockSkewMs = -250
    ready = true
    expect(await samples(metrics)).toEqual([
      'timers_pending{service="api"} 7',
      'timers_deferred{service="api"} 2',
      'timers_overdue{service="api"} 3',
      'timers_oldest_overdue_seconds{service="api"} 61.5',
      'timers_callbacks_pending{service="api"} 4',
      'timers_redis_clock_skew_seconds{service="api"} -0.25',
      'timers_ready{service="api"} 1',
    ])
  })

  test('Redis goes away: the figures go too, they do not stay at what was last seen', async () => {
    census = undefined
    clockSkewMs = undefined
    ready = false
    expect(await samples(metrics)).toEqual(['timers_ready{service="api"} 0'])
  })
})
