import { eventBody } from './event-body.ts'
import type { TimerRecord } from './timer.ts'
import { timerView } from './timer-view.ts'

const DUE = Date.UTC(2026, 0, 2, 3, 4, 5, 6)
const pending: TimerRecord = {
  id: 7,
  owner: 'default',
  url: 'https://example.com/?token=secret',
  mode: 'at_most_once',
  maxAttempts: 10,
  payload: undefined,
  headers: undefined,
  traceparent: undefined,
  requestId: undefined,
  createdAt: DUE - 60_000,
  dueAt: DUE,
  status: 'pending',
  attempts: 0,
  firedAt: undefined,
  latenessMs: undefined,
  responseStatus: undefined,
  nextAttemptAt: undefined,
  held: undefined,
  finishedAt: undefined,
  resolved: undefined,
  log: [],
}
const base = {
  id: 7,
  created_at: '2026-01-02T03:03:05.006Z',
  due_at: '2026-01-02T03:04:05.006Z',
  delivery: 'at_most_once',
  max_attempts: 10,
  attempt_log: [],
}

describe('timerView', () => {
  it.each<[string, Partial<TimerRecord>, number, object]>([
    [
      'pending',
      {},
      DUE - 1,
      {
        ...base,
        time_left: 1,
        status: 'pending',
        waiting_for: 'due_time',
        next_attempt_at: base.due_at,
      },
    ],
    ['due', {}, DUE, { ...base, time_left: 0, status: 'pending', waiting_for: 'worker' }],
    [
      'held back by its receiver',
      { held: { by: 'receiver_down', until: DUE + 5_000 } },
      DUE + 1,
      {
        ...base,
        time_left: 0,
        status: 'pending',
        waiting_for: 'receiver_down',
        next_attempt_at: '2026-01-02T03:04:10.006Z',
      },
    ],
    [
      'held back no longer',
      { held: { by: 'receiver_limit', until: DUE + 5_000 } },
      DUE + 5_000,
      { ...base, time_left: 0, status: 'pending', waiting_for: 'worker' },
    ],
    ['firing', { status: 'firing' }, DUE, { ...base, time_left: 0, status: 'firing' }],
    [
      'fired',
      { status: 'fired', attempts: 1, firedAt: DUE + 3, latenessMs: 3, responseStatus: 204 },
      DUE + 5_000,
      {
        ...base,
        time_left: 0,
        status: 'fired',
        fired_at: '2026-01-02T03:04:05.009Z',
        lateness_ms: 3,
        response_status: 204,
        attempts: 1,
      },
    ],
    [
      'fired on the dot',
      { status: 'fired', attempts: 1, firedAt: DUE, latenessMs: 0, responseStatus: 200 },
      DUE,
      {
        ...base,
        time_left: 0,
        status: 'fired',
        fired_at: base.due_at,
        lateness_ms: 0,
        response_status: 200,
        attempts: 1,
      },
    ],
    [
      'to be tried again',
      { attempts: 2, nextAttemptAt: DUE + 5_000 },
      DUE + 1_000,
      {
        ...base,
        time_left: 0,
        status: 'pending',
        waiting_for: 'retry',
        next_attempt_at: '2026-01-02T03:04:10.006Z',
        attempts: 2,
      },
    ],
    [
      'unknown: sent, and no answer',
      { status: 'unknown', attempts: 1, firedAt: DUE + 2, latenessMs: 2 },
      DUE,
      {
        ...base,
        time_left: 0,
        status: 'unknown',
        fired_at: '2026-01-02T03:04:05.008Z',
        lateness_ms: 2,
        attempts: 1,
      },
    ],
    [
      'with its attempts: what is known of each, and nothing else',
      {
        mode: 'at_least_once',
        maxAttempts: 3,
        attempts: 2,
        log: [
          { attempt: 1, sentAt: DUE, outcome: 'never_sent', reason: 'connection refused', queueMs: 1 },
          {
            attempt: 2,
            sentAt: DUE + 1_000,
            outcome: 'rejected',
            responseStatus: 500,
            connectMs: 2,
            responseMs: 3,
          },
        ],
      },
      DUE,
      {
        ...base,
        time_left: 0,
        status: 'pending',
        waiting_for: 'worker',
        attempts: 2,
        delivery: 'at_least_once',
        max_attempts: 3,
        attempt_log: [
          { attempt: 1, at: base.due_at, outcome: 'never_sent', reason: 'connection refused', queue_ms: 1 },
          {
            attempt: 2,
            at: '2026-01-02T03:04:06.006Z',
            outcome: 'rejected',
            response_status: 500,
            connect_ms: 2,
            response_ms: 3,
          },
        ],
      },
    ],
    [
      'cancelled before its time: there is none left',
      { status: 'cancelled', finishedAt: DUE - 5_000 },
      DUE - 5_000,
      { ...base, time_left: 0, status: 'cancelled', finished_at: '2026-01-02T03:04:00.006Z' },
    ],
    [
      'expired: it waits for nothing',
      { status: 'expired', expiresIn: 60, finishedAt: DUE + 61_000, nextAttemptAt: DUE + 90_000 },
      DUE + 61_000,
      {
        ...base,
        time_left: 0,
        status: 'expired',
        expires_in: 60,
        finished_at: '2026-01-02T03:05:06.006Z',
      },
    ],
    [
      'resolved, with a note',
      {
        status: 'fired',
        finishedAt: DUE + 9_000,
        resolved: { as: 'fired', at: DUE + 9_000, note: 'seen in their log' },
      },
      DUE + 9_000,
      {
        ...base,
        time_left: 0,
        status: 'fired',
        finished_at: '2026-01-02T03:04:14.006Z',
        resolved: { as: 'fired', at: '2026-01-02T03:04:14.006Z', note: 'seen in their log' },
      },
    ],
    [
      'resolved, without a note',
      { status: 'failed', resolved: { as: 'failed', at: DUE, note: undefined } },
      DUE,
      { ...base, time_left: 0, status: 'failed', resolved: { as: 'failed', at: base.due_at } },
    ],
    [
      'with all that a client may add, but where the callback goes',
      {
        key: 'order:17',
        labels: ['shop', 'mail'],
        expiresIn: 60,
        callback: { url: 'https://a.b/?token=secret', on: ['failed', 'expired'] },
      },
      DUE - 1,
      {
        ...base,
        time_left: 1,
        status: 'pending',
        waiting_for: 'due_time',
        next_attempt_at: base.due_at,
        key: 'order:17',
        labels: ['shop', 'mail'],
        expires_in: 60,
        callback: { on: ['failed', 'expired'] },
      },
    ],
    [
      'a callback: of which timer it tells',
      { callbackOf: 3 },
      DUE,
      { ...base, time_left: 0, status: 'pending', waiting_for: 'worker', callback_of: 3 },
    ],
  ])('%s', (_name, changes, now, expected) => {
    const view = timerView({ ...pending, ...changes }, now)
    expect(view).toStrictEqual(expected)
    expect(JSON.stringify(view)).not.toMatch(/token/)
  })
})

describe('eventBody', () => {
  it('tells what became of a timer, as clients see it then', () => {
    const record: TimerRecord = { ...pending, status: 'failed', attempts: 1, finishedAt: DUE + 10 }
    const body = eventBody('timer.failed', DUE + 10, record)
    expect(JSON.parse(body)).toEqual({
      type: 'timer.failed',
      timestamp: '2026-01-02T03:04:05.016Z',
      data: { timer: timerView(record, DUE + 10) },
    })
    expect(body).not.toMatch(/token/)
  })
})
