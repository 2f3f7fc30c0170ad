import { createAddressPolicy } from './address-policy.ts'
import { type ChangeTimerRequest, changeOf } from './change-timer.ts'
import type { TimerChange } from './timer.ts'

const NOW = Date.UTC(2026, 5, 1)
const rules = {
  addressPolicy: createAddressPolicy({ allowCidrs: [] }),
  clock: { now: () => NOW },
  maxTimerSeconds: 86_400,
}
const url = 'https://a.b/c'

describe('changeOf', () => {
  test.each<[string, ChangeTimerRequest, TimerChange]>([
    ['a duration', { in: '1h' }, { due: { delayMs: 3_600_000 } }],
    ['an instant', { at: '2026-06-01T01:00:00Z' }, { due: { dueAt: NOW + 3_600_000 } }],
    [
      'a local time',
      { atLocal: '2026-06-01T03:00:00', timezone: 'Europe/Berlin' },
      { due: { dueAt: NOW + 3_600_000 } },
    ],
    ['an instant that is past by a moment', { at: '2026-05-31T23:59:30Z' }, { due: { delayMs: 0 } }],
    ['a URL', { url }, { url }],
    [
      'a mode and attempts',
      { mode: 'at_least_once', maxAttempts: 3 },
      { mode: 'at_least_once', maxAttempts: 3 },
    ],
    ['a payload', { payload: '{"a":1}' }, { payload: '{"a":1}' }],
    ['an empty text for a payload', { payload: '""' }, { payload: '""' }],
    ['headers, in lower case', { headers: { 'X-A': '1' } }, { headers: { 'x-a': '1' } }],
    ['labels, each once', { labels: ['a', 'a'] }, { labels: ['a'] }],
    ['an expiry', { expiresIn: 60 }, { expiresIn: 60 }],
    ['a callback', { callback: { url, on: ['fired'] } }, { callback: { url, on: ['fired'] } }],
    [
      'null for all that can be taken away',
      { payload: null, headers: null, labels: null, expiresIn: null, callback: null },
      { payload: null, headers: null, labels: null, expiresIn: null, callback: null },
    ],
    ['no payload, as JSON text', { payload: 'null' }, { payload: null }],
    ['no headers and no labels', { headers: {}, labels: [] }, { headers: null, labels: null }],
  ])('is %s, and nothing else', (_, request, expected) => {
    expect(changeOf(request, rules)).toStrictEqual(expected)
  })

  test.each<[string, ChangeTimerRequest, string]>([
    ['nothing', {}, 'EMPTY_CHANGE'],
    ['only undefined', { url: undefined, in: undefined, payload: undefined }, 'EMPTY_CHANGE'],
    ['a duration that is none', { in: '0s' }, 'INVALID_DURATION'],
    ['two forms of a time', { seconds: 1, in: '1s' }, 'INVALID_TIME'],
    ['a zone alone', { timezone: 'UTC' }, 'INVALID_TIME'],
    ['a time that is past', { at: '2026-05-31T23:00:00Z' }, 'INVALID_TIME'],
    ['a URL that is none', { url: 'a.b' }, 'INVALID_URL'],
    ['an address that is not public', { url: 'http://127.0.0.1/' }, 'INVALID_URL'],
    ['a payload of more than 8 KiB', { payload: '1'.repeat(8_193) }, 'INVALID_PAYLOAD'],
    ['a header of ours', { headers: { host: 'a' } }, 'INVALID_HEADERS'],
    ['a label that is none', { labels: ['a b'] }, 'INVALID_LABELS'],
    ['an expiry of nothing', { expiresIn: 0 }, 'INVALID_EXPIRY'],
    ['a callback of nothing', { callback: { url, on: [] } }, 'INVALID_CALLBACK'],
  ])('is not %s', (_, request, code) => {
    expect(() => changeOf(request, rules)).toThrow(expect.objectContaining({ code }))
  })
})
