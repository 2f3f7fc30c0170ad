import type { AttemptReport, FinalStatus } from '@timers/core'
import type { Metrics } from '@timers/runtime'

/** What the gauges of a worker are read from. */
export interface WorkerGauges {
  readonly inFlight: () => number
  /** How long the longest-waiting due timer has waited, in milliseconds. */
  readonly overdueMs: () => number
  readonly clockSkewMs: () => number | undefined
}

/** What to call with every attempt, and with every timer that came to its end. */
export interface WorkerCounts {
  attempt(report: AttemptReport): void
  finished(status: FinalStatus): void
}

/** The figures of a worker, for `/metrics`. */
export function createWorkerMetrics(metrics: Metrics, gauges: WorkerGauges): WorkerCounts {
  const lateness = metrics.histogram('timers_lateness_seconds', 'When the first request left, minus due time')
  const attempts = metrics.counter('timers_attempts_total', 'Attempts by outcome', ['outcome'])
  const finished = metrics.counter('timers_finished_total', 'Timers by final status', ['status'])
  metrics.gauge('timers_in_flight', 'Timers in hand', gauges.inFlight)
  metrics.gauge(
    'timers_oldest_overdue_seconds',
    'How long the longest-waiting due timer has waited',
    () => gauges.overdueMs() / 1_000,
  )
  metrics.gauge('timers_redis_clock_skew_seconds', 'Clock of Redis minus clock of this machine', () => {
    const skewMs = gauges.clockSkewMs()
    return skewMs === undefined ? undefined : skewMs / 1_000
  })
  return {
    attempt: ({ timer, result, firstRequest }) => {
      attempts.inc({ outcome: result.outcome })
      if (firstRequest) lateness.observe((result.sentAt - timer.dueAt) / 1_000)
    },
    finished: (status) => finished.inc({ status }),
  }
}
