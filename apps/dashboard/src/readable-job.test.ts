import { readableData, readableName } from './readable-job.ts'

describe('readableData', () => {
  it.each([
    [{ u: 'https://a.b/c' }, { url: 'https://a.b/c' }],
    [
      { u: 'https://a.b', m: 1, x: 3, p: { u: 1 }, h: { t: 'x' }, t: '00-1', r: 'q-1' },
      {
        url: 'https://a.b',
        delivery: 'at_least_once',
        max_attempts: 3,
        payload: { u: 1 },
        headers: { t: 'x' },
        traceparent: '00-1',
        request_id: 'q-1',
      },
    ],
    [
      { u: 'https://a.b', e: { y: 'timer.failed', t: 1, h: { data: '{}' } } },
      { url: 'https://a.b', event: 'timer.failed' },
    ],
    [
      { m: 2, other: true },
      { delivery: 2, other: true },
    ],
    [{}, {}],
    [null, null],
    ['text', 'text'],
  ])('shows %j as %j', (stored, shown) => {
    expect(readableData(stored)).toEqual(shown)
  })
})

describe('readableName', () => {
  const timestamp = Date.UTC(2026, 0, 2, 3, 4, 5, 6)
  it.each([
    [{ id: 't7', timestamp, opts: { delay: 1_000 } }, 'timer 7, due 2026-01-02T03:04:06.006Z'],
    [{ id: 't7', timestamp, opts: {} }, 'timer 7, due 2026-01-02T03:04:05.006Z'],
    [{ id: 't7' }, 'timer 7'],
    [{ id: 'x7', timestamp }, 'x7'],
  ])('shows %j as %s', (job, name) => {
    expect(readableName(job)).toBe(name)
  })
})
