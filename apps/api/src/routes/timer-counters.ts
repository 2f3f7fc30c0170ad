import type { Metrics } from '@timers/runtime'

/** Upper bounds in seconds: a create is an fsync or two, and ends with a 503 within two seconds. */
const CREATE_BUCKETS = [0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

export type TimerCounters = ReturnType<typeof createTimerCounters>

/** What the API counts of timers, whichever route it came by. */
export function createTimerCounters(metrics: Metrics) {
  return {
    created: metrics.counter('timers_created_total', 'Timers that were created'),
    createSeconds: metrics.histogram(
      'timers_create_duration_seconds',
      'Time from a valid request to the timer being on disk',
      { buckets: CREATE_BUCKETS },
    ),
    replayed: metrics.counter(
      'timers_creates_replayed_total',
      'Creates that were sent again with their Idempotency-Key, and created nothing',
    ),
    cancelled: metrics.counter('timers_cancels_total', 'Cancels that were granted, repeats included'),
    changed: metrics.counter('timers_changes_total', 'Changes of a timer that were made'),
    firedNow: metrics.counter('timers_fired_now_total', 'Timers that were made due at once on request'),
    redriven: metrics.counter('timers_redrives_total', 'Timers that were sent again on request'),
    resolved: metrics.counter('timers_resolved_total', 'Unknown timers whose fate somebody told'),
  }
}
