import { parseForecastQuery } from './forecast-query.ts'

const NOW = Date.UTC(2027, 0, 1)
const HOUR = 3_600_000

describe('parseForecastQuery', () => {
  it.each<[string, Record<string, unknown>, object]>([
    ['nothing: an hour by minutes', {}, { from: NOW, to: NOW + HOUR, bucketMs: 60_000 }],
    [
      'a beginning: an hour from there',
      { from: '2027-06-01T00:00:00Z' },
      { from: Date.UTC(2027, 5, 1), to: Date.UTC(2027, 5, 1, 1), bucketMs: 60_000 },
    ],
    [
      'an end and a bucket',
      { to: '2027-01-01T03:00:00+01:00', bucket: '5' },
      { from: NOW, to: NOW + 2 * HOUR, bucketMs: 5_000 },
    ],
    [
      '1,440 buckets',
      { to: '2027-01-02T00:00:00Z', bucket: '60' },
      { from: NOW, to: NOW + 24 * HOUR, bucketMs: 60_000 },
    ],
  ])('takes %s', (_name, query, expected) => {
    expect(parseForecastQuery(query, NOW)).toEqual(expected)
  })

  it.each<[string, Record<string, unknown>, string, RegExp]>([
    ['more buckets than there may be', { to: '2027-01-02T00:00:00.001Z' }, 'bucket', /at least 61 here/],
    ['a bucket of nothing', { bucket: '0' }, 'bucket', /whole number of seconds/],
    ['half a second', { bucket: '0.5' }, 'bucket', /whole number of seconds/],
    ['two buckets', { bucket: ['60', '60'] }, 'bucket', /whole number of seconds/],
    ['an end before the beginning', { to: '2026-12-31T00:00:00Z' }, 'to', /later than from/],
    ['an end that is the beginning', { to: '2027-01-01T00:00:00Z' }, 'to', /later than from/],
    ['no offset', { from: '2027-01-01T00:00:00' }, 'from', /offset/],
    ['a status', { status: 'pending' }, 'status', /from, to, bucket/],
  ])('refuses %s', (_name, query, field, message) => {
    expect(() => parseForecastQuery(query, NOW)).toThrow(
      expect.objectContaining({ code: 'INVALID_FILTER', field, message: expect.stringMatching(message) }),
    )
  })
})
