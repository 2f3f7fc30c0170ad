import { parseTimerFilter } from './timer-filter.ts'

describe('parseTimerFilter', () => {
  it.each<[string, Record<string, unknown>, object]>([
    ['nothing', {}, {}],
    ['a status', { status: 'failed' }, { statuses: ['failed'] }],
    [
      'statuses with commas, each once',
      { status: 'unknown,pending,unknown' },
      { statuses: ['pending', 'unknown'] },
    ],
    ['statuses as a list', { status: ['fired', 'failed'] }, { statuses: ['fired', 'failed'] }],
    ['an offset', { due_after: '2026-12-24T18:00:00+01:00' }, { dueFrom: Date.UTC(2026, 11, 24, 17) }],
    [
      'an offset whose plus a query has made a space',
      { due_after: '2026-12-24T18:00:00 01:00' },
      { dueFrom: Date.UTC(2026, 11, 24, 17) },
    ],
    [
      'milliseconds, cut',
      { due_before: '2026-12-24t18:00:00.0019z' },
      { dueBefore: Date.UTC(2026, 11, 24, 18, 0, 0, 1) },
    ],
    ['a label', { label: 'order:17_a.b-c' }, { label: 'order:17_a.b-c' }],
    ['an origin', { origin: 'HTTPS://Example.COM:443/' }, { origin: 'https://example.com' }],
    ['an origin with a port', { origin: 'http://[::1]:8080' }, { origin: 'http://[::1]:8080' }],
  ])('takes %s', (_name, input, filter) => {
    expect(parseTimerFilter(input)).toEqual(filter)
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['a status that is none', { status: 'late' }, 'status'],
    ['an empty status', { status: '' }, 'status'],
    ['one of several', { status: 'fired,' }, 'status'],
    ['a space', { status: 'fired, failed' }, 'status'],
    ['a number', { status: 5 }, 'status'],
    ['no status', { status: [] }, 'status'],
    ['lists in a list', { status: ['fired,failed'] }, 'status'],
    ['null', { status: null }, 'status'],
    ['no offset', { due_after: '2026-12-24T18:00:00' }, 'due_after'],
    ['a day only', { due_before: '2026-12-24' }, 'due_before'],
    ['a number of seconds', { due_before: 1_800_000_000 }, 'due_before'],
    ['a day that is not', { due_before: '2026-02-30T18:00:00Z' }, 'due_before'],
    ['an hour that is not', { due_before: '2026-02-28T24:00:00Z' }, 'due_before'],
    ['two times', { due_after: ['2026-12-24T18:00:00Z', '2026-12-25T18:00:00Z'] }, 'due_after'],
    ['a label with a space', { label: 'a b' }, 'label'],
    ['a long label', { label: 'x'.repeat(65) }, 'label'],
    ['two labels', { label: ['a', 'b'] }, 'label'],
    ['an empty label', { label: '' }, 'label'],
    ['a whole URL', { origin: 'https://example.com/hook' }, 'origin'],
    ['a host', { origin: 'example.com' }, 'origin'],
    ['a query', { origin: 'https://example.com?x' }, 'origin'],
    ['a password', { origin: 'https://me:secret@example.com' }, 'origin'],
    ['another scheme', { origin: 'ftp://example.com' }, 'origin'],
    ['what is not a filter', { colour: 'red' }, 'colour'],
    ['a name that every object has', { constructor: 'x' }, 'constructor'],
  ])('refuses %s, and says which', (_name, input, field) => {
    expect(() => parseTimerFilter(input)).toThrow(
      expect.objectContaining({ code: 'INVALID_FILTER', field, message: expect.stringContaining(field) }),
    )
  })

  it('leaves what stands beside the filters to others, and cuts a long name short', () => {
    expect(parseTimerFilter({ limit: 'x', label: 'a' }, ['limit'])).toEqual({ label: 'a' })
    expect(() => parseTimerFilter({ ['x'.repeat(10_000)]: '' })).toThrow(/^x{64}\.\.\. is not a filter/)
  })
})
