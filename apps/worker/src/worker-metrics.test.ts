import type { AttemptReport, Timer } from '@timers/core'
import { createMetrics } from '@timers/runtime'
import { createWorkerMetrics } from './worker-metrics.ts'

function workerMetrics() {
  const metrics = createMetrics('worker')
  const counts = createWorkerMetrics(metrics, {
    census: async () => undefined,
    clockSkewMs: () => undefined,
    nodes: () => [],
    ready: () => true,
    inFlight: () => 3,
    breakersOpen: () => 2,
    watchdogRestarts: () => 1,
  })
  const samples = async (name: string) => {
    const lines = (await metrics.registry.getSingleMetricAsString(name)).split('\n')
    return lines.filter((line) => !line.startsWith('#')).map((line) => line.replace(/,?service="worker"/, ''))
  }
  return { counts, samples }
}

const timer = { dueAt: 1_000 } as Timer
const callback = { ...timer, callbackOf: 7 } as Timer

const report = (outcome: AttemptReport['result']['outcome'], firstRequest: boolean): AttemptReport => ({
  timer,
  attempt: 1,
  result: { outcome, sentAt: 1_015 },
  decision: { kind: 'final', status: 'fired' },
  firstRequest,
})

describe('createWorkerMetrics', () => {
  test('the first unknown of a worker is seen by increase(): every status starts at 0', async () => {
    const { counts, samples } = workerMetrics()
    expect(await samples('timers_finished_total')).toEqual([
      'timers_finished_total{status="fired"} 0',
      'timers_finished_total{status="failed"} 0',
      'timers_finished_total{status="unknown"} 0',
      'timers_finished_total{status="cancelled"} 0',
      'timers_finished_total{status="expired"} 0',
    ])
    counts.finished('unknown', timer)
    expect(await samples('timers_finished_total')).toContain('timers_finished_total{status="unknown"} 1')
  })

  test('every outcome starts at 0', async () => {
    const { counts, samples } = workerMetrics()
    const outcomes = ['delivered', 'rejected', 'never_sent', 'ambiguous', 'blocked', 'interrupted']
    expect(await samples('timers_attempts_total')).toEqual(
      outcomes.map((outcome) => `timers_attempts_total{outcome="${outcome}"} 0`),
    )
    counts.attempt(report('blocked', false))
    expect(await samples('timers_attempts_total')).toContain('timers_attempts_total{outcome="blocked"} 1')
  })

  test('lateness is that of the first request, in seconds', async () => {
    const { counts, samples } = workerMetrics()
    counts.attempt(report('never_sent', false))
    counts.attempt(report('delivered', true))
    const lateness = await samples('timers_lateness_seconds')
    expect(lateness).toContain('timers_lateness_seconds_bucket{le="0.01"} 0')
    expect(lateness).toContain('timers_lateness_seconds_bucket{le="0.02"} 1')
    expect(lateness).toContain('timers_lateness_seconds_count{} 1')
  })

  test('a callback counts as a callback: no timer is late, or failed, by it', async () => {
    const { counts, samples } = workerMetrics()
    counts.attempt({ ...report('rejected', true), timer: callback })
    counts.finished('failed', callback)
    counts.finished('unknown', callback)
    counts.finished('fired', callback)
    expect(await samples('timers_callback_attempts_total')).toContain(
      'timers_callback_attempts_total{outcome="rejected"} 1',
    )
    expect(await samples('timers_callbacks_total')).toEqual([
      'timers_callbacks_total{outcome="delivered"} 1',
      'timers_callbacks_total{outcome="failed"} 2',
    ])
    expect(await samples('timers_lateness_seconds')).toContain('timers_lateness_seconds_count{} 0')
    const others = [...(await samples('timers_attempts_total')), ...(await samples('timers_finished_total'))]
    expect(others.filter((sample) => !sample.endsWith(' 0'))).toEqual([])
  })

  test.each([
    ['timers_in_flight', 3],
    ['timers_breakers_open', 2],
    ['timers_watchdog_restarts_total', 1],
  ])('%s is what its keeper says', async (name, value) => {
    expect(await workerMetrics().samples(name)).toEqual([`${name}{} ${value}`])
  })
})
