import type { AttemptReport, FinalStatus, Outcome, Timer } from '@timers/core'
import { createTimerMetrics, type Metrics, type TimerGauges } from '@timers/runtime'

/** What the figures of a worker are read from. */
export interface WorkerGauges extends TimerGauges {
  readonly inFlight: () => number
  /** Receivers that get nothing at present but a probe. */
  readonly breakersOpen: () => number
  /** How often the watchdog has started the consumer anew. */
  readonly watchdogRestarts: () => number
}

/** What to call with every attempt, and with every timer that came to its end. */
export interface WorkerCounts {
  attempt(report: AttemptReport): void
  finished(status: FinalStatus, timer: Timer): void
}

/** Every one of them: the compiler asks for what is missing. */
const OUTCOMES: Readonly<Record<Outcome, { readonly outcome: Outcome }>> = {
  delivered: { outcome: 'delivered' },
  rejected: { outcome: 'rejected' },
  never_sent: { outcome: 'never_sent' },
  ambiguous: { outcome: 'ambiguous' },
  blocked: { outcome: 'blocked' },
  interrupted: { outcome: 'interrupted' },
}
const STATUSES: Readonly<Record<FinalStatus, { readonly status: FinalStatus }>> = {
  fired: { status: 'fired' },
  failed: { status: 'failed' },
  unknown: { status: 'unknown' },
  cancelled: { status: 'cancelled' },
  expired: { status: 'expired' },
}

const DELIVERED = { outcome: 'delivered' }
/** Given up: nobody sends it again. */
const FAILED = { outcome: 'failed' }

/** The figures of a worker, for `/metrics`. */
export function createWorkerMetrics(metrics: Metrics, gauges: WorkerGauges): WorkerCounts {
  createTimerMetrics(metrics, gauges)
  const lateness = metrics.histogram('timers_lateness_seconds', 'When the first request left, minus due time')
  const attempts = metrics.counter(
    'timers_attempts_total',
    'Attempts by outcome',
    ['outcome'],
    Object.values(OUTCOMES),
  )
  const finished = metrics.counter(
    'timers_finished_total',
    'Timers by final status',
    ['status'],
    Object.values(STATUSES),
  )
  // Callbacks stand apart: a receiver of events that is down is not a timer that came late, or failed.
  const callbackAttempts = metrics.counter(
    'timers_callback_attempts_total',
    'Attempts to deliver a callback or an event, by outcome',
    ['outcome'],
    Object.values(OUTCOMES),
  )
  const callbacks = metrics.counter(
    'timers_callbacks_total',
    'Callbacks and events that came to their end, by what they came to',
    ['outcome'],
    [DELIVERED, FAILED],
  )
  metrics.gauge('timers_in_flight', 'Timers in hand', gauges.inFlight)
  metrics.gauge('timers_breakers_open', 'Receivers that get nothing but a probe', gauges.breakersOpen)
  metrics.total(
    'timers_watchdog_restarts_total',
    'Times the watchdog has started the consumer anew',
    gauges.watchdogRestarts,
  )
  return {
    attempt: ({ timer, result, firstRequest }) => {
      if (timer.callbackOf !== undefined) return callbackAttempts.inc(OUTCOMES[result.outcome])
      attempts.inc(OUTCOMES[result.outcome])
      if (firstRequest) lateness.observe((result.sentAt - timer.dueAt) / 1_000)
    },
    finished: (status, { callbackOf }) => {
      if (callbackOf !== undefined) return callbacks.inc(status === 'fired' ? DELIVERED : FAILED)
      finished.inc(STATUSES[status])
    },
  }
}
