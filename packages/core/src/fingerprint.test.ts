import fc from 'fast-check'
import { createAddressPolicy } from './address-policy.ts'
import { type CreateTimerRequest, newTimerOf } from './create-timer.ts'
import { FINAL_STATUSES } from './timer.ts'

const NOW = Date.UTC(2026, 5, 1)
const rules = {
  addressPolicy: createAddressPolicy({ allowCidrs: [] }),
  clock: { now: () => NOW },
  maxTimerSeconds: 365 * 86_400,
}

function fingerprint(request: CreateTimerRequest, requestId = 'r1', traceparent?: string): string {
  return newTimerOf(request, { requestId, traceparent }, rules, 'k').idempotency?.fingerprint ?? ''
}

const plain = { minutes: 90, url: 'https://a.b/c' }
const { minutes: _, ...timeless } = plain
const same = (a: CreateTimerRequest, b: CreateTimerRequest) => fingerprint(a) === fingerprint(b)

describe('fingerprintOf', () => {
  test('is 22 characters, the same in every release: it is kept with the timer', () => {
    expect(fingerprint(plain)).toBe('SRGl4l-Kcv6pYiTHcwRpWx')
  })

  test.each<[string, CreateTimerRequest, CreateTimerRequest]>([
    ['a duration in parts and as text', plain, { ...timeless, in: '1h30m' }],
    ['a duration in ISO 8601', plain, { ...timeless, in: 'PT90M' }],
    [
      'an instant with two offsets',
      { ...timeless, at: '2026-06-01T14:00:00+02:00' },
      { ...timeless, at: '2026-06-01T12:00:00.000Z' },
    ],
    [
      'an instant and what clocks show then',
      { ...timeless, at: '2026-06-01T12:00:00Z' },
      { ...timeless, atLocal: '2026-06-01T14:00:00', timezone: 'Europe/Berlin' },
    ],
    ['defaults', plain, { ...plain, mode: 'at_most_once', maxAttempts: 10, headers: {}, labels: [] }],
    [
      'the case of header names',
      { ...plain, headers: { 'X-A': '1' } },
      { ...plain, headers: { 'x-a': '1' } },
    ],
    [
      'the order of headers',
      { ...plain, headers: { 'x-a': '1', 'x-b': '2' } },
      { ...plain, headers: { 'x-b': '2', 'x-a': '1' } },
    ],
    ['the order of labels', { ...plain, labels: ['a', 'b'] }, { ...plain, labels: ['b', 'a', 'b'] }],
    [
      'how a payload is written',
      { ...plain, payload: '{"a":1,"b":2}' },
      { ...plain, payload: '{"b":2.0,"a":1}' },
    ],
    [
      'the default of a callback',
      { ...plain, callback: { url: 'https://a.b' } },
      { ...plain, callback: { url: 'https://a.b', on: ['cancelled', 'expired', 'unknown', 'failed'] } },
    ],
  ])('does not see %s', (_name, a, b) => {
    expect(same(a, b)).toBe(true)
  })

  test('does not see where a request came from', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    expect(fingerprint(plain, 'r2', traceparent)).toBe(fingerprint(plain, 'r1'))
  })

  test.each<[string, CreateTimerRequest, CreateTimerRequest]>([
    ['a second', plain, { ...timeless, in: '90m1s' }],
    [
      'a duration and the instant at its end',
      plain,
      { ...timeless, at: new Date(NOW + 5_400_000).toISOString() },
    ],
    [
      'a millisecond',
      { ...timeless, at: '2026-06-01T12:00:00Z' },
      { ...timeless, at: '2026-06-01T12:00:00.001Z' },
    ],
    [
      'which of two times that are past by a moment',
      { ...timeless, at: '2026-05-31T23:59:59Z' },
      { ...timeless, at: '2026-05-31T23:59:58Z' },
    ],
    ['the URL', plain, { ...plain, url: 'https://a.b/d' }],
    ['no payload and null', plain, { ...plain, payload: 'null' }],
    [
      'large numbers',
      { ...plain, payload: '1234567890123456789' },
      { ...plain, payload: '1234567890123456788' },
    ],
    ['where a value stands', { ...plain, key: 'a' }, { ...plain, labels: ['a'] }],
  ])('sees %s', (_name, a, b) => {
    expect(same(a, b)).toBe(false)
  })

  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '.', ':'), minLength: 1, maxLength: 3 })
  const url = fc.webUrl({ validSchemes: ['https'] })
  const option = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })
  const request: fc.Arbitrary<CreateTimerRequest> = fc.record({
    seconds: fc.integer({ min: 1, max: 5 }),
    url: fc.constantFrom('https://a.b/c', 'https://a.b/d'),
    mode: option(fc.constantFrom('at_most_once' as const, 'at_least_once' as const)),
    maxAttempts: option(fc.integer({ min: 1, max: 30 })),
    payload: option(fc.json({ maxDepth: 2 })),
    headers: option(
      fc.dictionary(
        text.map((name) => `x-${name.replaceAll(':', '_')}`),
        text,
        { maxKeys: 3 },
      ),
    ),
    key: option(text),
    labels: option(fc.array(text, { maxLength: 4 })),
    expiresIn: option(fc.integer({ min: 1, max: 5 })),
    callback: option(fc.record({ url, on: option(fc.subarray([...FINAL_STATUSES], { minLength: 1 })) })),
  })

  test('is equal for one request written in two ways', () => {
    fc.assert(
      fc.property(request, (asked) => {
        const { seconds, ...rest } = asked
        const other: CreateTimerRequest = {
          ...Object.fromEntries(Object.entries(rest).reverse()),
          url: asked.url,
          in: `PT${seconds}S`,
          mode: asked.mode ?? 'at_most_once',
          maxAttempts: asked.maxAttempts ?? 10,
          payload: asked.payload === undefined ? undefined : ` ${asked.payload} `,
          headers:
            asked.headers &&
            Object.fromEntries(
              Object.entries(asked.headers)
                .reverse()
                .map(([name, value]) => [name.toUpperCase(), value]),
            ),
          labels: asked.labels && [...asked.labels, ...asked.labels].reverse(),
          callback: asked.callback && {
            url: asked.callback.url,
            on: [...(asked.callback.on ?? ['failed', 'unknown', 'expired', 'cancelled'])].reverse(),
          },
        }
        expect(fingerprint(other, 'r2')).toBe(fingerprint(asked))
      }),
      { numRuns: 300 },
    )
  })

  test('is another for any field that is another', () => {
    const changed: fc.Arbitrary<Partial<CreateTimerRequest>> = fc.constantFrom(
      { seconds: 6 },
      { url: 'https://a.b/e' },
      { payload: '{"not":"random"}' },
      { headers: { 'x-other': '1' } },
      { key: 'other' },
      { labels: ['other'] },
      { expiresIn: 6 },
      { callback: { url: 'https://other.b/', on: ['fired'] } },
    )
    fc.assert(
      fc.property(request, changed, (asked, change) => {
        expect(same(asked, { ...asked, ...change })).toBe(false)
        const { mode, maxAttempts } = asked
        expect(same(asked, { ...asked, mode: mode === 'at_least_once' ? undefined : 'at_least_once' })).toBe(
          false,
        )
        expect(same(asked, { ...asked, maxAttempts: ((maxAttempts ?? 10) % 30) + 1 })).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  test('is another for any two that are stored otherwise', () => {
    const stored = (asked: CreateTimerRequest) => {
      const { draft } = newTimerOf(asked, { requestId: 'r', traceparent: undefined }, rules)
      const { payload, headers, labels, callback, ...others } = draft
      const value = payload === undefined ? [] : [JSON.parse(payload)]
      const pairs = Object.entries(headers ?? {}).sort()
      return fc.stringify([others, value, pairs, [...(labels ?? [])].sort(), callback])
    }
    // Few values, so that equal ones are found too.
    const narrow = fc.record({
      seconds: fc.constant(1),
      url: fc.constant('https://a.b/c'),
      payload: option(fc.constantFrom('1', '{}', '{"a":"b"}', '"1"')),
      headers: option(fc.constantFrom({ 'x-a': 'b' }, { 'x-b': 'a' }, {})),
      labels: option(fc.constantFrom(['a'], ['b'], ['a', 'b'], ['b', 'a'], [])),
      key: option(fc.constantFrom('a', 'b')),
      expiresIn: option(fc.constantFrom(1, 2)),
    })
    fc.assert(
      fc.property(narrow, narrow, (a, b) => {
        expect(same(a, b)).toBe(stored(a) === stored(b))
      }),
      { numRuns: 1_000 },
    )
  })
})
