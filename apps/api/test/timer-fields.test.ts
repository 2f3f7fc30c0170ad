import { type ApiBed, expectProblem, openApiBed } from './api-bed.ts'

/** What a create may say beyond a duration and a URL; and what is wrong with it, each in words of its own. */
let bed: ApiBed

beforeAll(async () => {
  bed = await openApiBed({ MAX_TIMER_SECONDS: String(TWO_YEARS) })
})
afterAll(() => bed?.close())

const URL = 'https://example.com/hook'
const TWO_YEARS = 63_072_000
/** A year of which every day is still to come. */
const YEAR = new Date().getUTCFullYear() + 1

/** The day on which the clocks change in Europe: `2027-03-28`. */
function lastSunday(month: 3 | 10): string {
  const end = new Date(Date.UTC(YEAR, month, 0))
  end.setUTCDate(end.getUTCDate() - end.getUTCDay())
  return end.toISOString().slice(0, 10)
}
const post = (body: string | object) => bed.send('POST', '/timers', body)

describe('a time', () => {
  it.each<[object, number]>([
    [{ in: '1h30m' }, 5_400],
    [{ in: '45s' }, 45],
    [{ in: '2d' }, 172_800],
    [{ in: '1w' }, 604_800],
    [{ in: 'PT1H30M' }, 5_400],
    [{ in: 'P1DT1S' }, 86_401],
  ])('%j is so many seconds from now', async (time, seconds) => {
    const before = Date.now()
    const reply = await post({ ...time, url: URL })
    expect([reply.statusCode, reply.json().time_left]).toEqual([201, seconds])
    expect(Date.parse(reply.json().due_at)).toBeGreaterThanOrEqual(before + seconds * 1_000)
    expect(Date.parse(reply.json().due_at)).toBeLessThanOrEqual(Date.now() + seconds * 1_000)
  })

  it.each<[object, string]>([
    [{ at: `${YEAR}-12-24T18:00:00+01:00` }, `${YEAR}-12-24T17:00:00.000Z`],
    [{ at: `${YEAR}-12-24T18:00:00.123Z` }, `${YEAR}-12-24T18:00:00.123Z`],
    [{ at: `${YEAR}-12-24T18:00:00-09:30` }, `${YEAR}-12-25T03:30:00.000Z`],
    [{ at_local: `${YEAR}-12-24T18:00:00`, timezone: 'Europe/Berlin' }, `${YEAR}-12-24T17:00:00.000Z`],
    [{ at_local: `${YEAR}-07-01T18:00:00`, timezone: 'America/New_York' }, `${YEAR}-07-01T22:00:00.000Z`],
    // The clocks go forward from 02:00 to 03:00.
    [{ at_local: `${lastSunday(3)}T02:30:00`, timezone: 'Europe/Berlin' }, `${lastSunday(3)}T01:00:00.000Z`],
    // They go back from 03:00 to 02:00.
    [
      { at_local: `${lastSunday(10)}T02:30:00`, timezone: 'Europe/Berlin' },
      `${lastSunday(10)}T00:30:00.000Z`,
    ],
  ])('%j is %s', async (time, dueAt) => {
    const reply = await post({ ...time, url: URL })
    expect([reply.statusCode, reply.json().due_at]).toEqual([201, dueAt])
    expect((await bed.send('GET', `/timers/${reply.json().id}`)).json().due_at).toBe(dueAt)
  })

  it('up to a minute in the past is now', async () => {
    const before = Date.now()
    const reply = await post({ at: new Date(before - 50_000).toISOString(), url: URL })
    expect([reply.statusCode, reply.json().time_left]).toEqual([201, 0])
    expect(Date.parse(reply.json().due_at)).toBeGreaterThanOrEqual(before)
  })
})

describe('key, labels, expiry and callback', () => {
  it('are kept, and shown by GET; the URL of the callback is not', async () => {
    const callback = { url: 'https://c.example/secret', on: ['fired', 'failed'] }
    const extras = { key: 'order:17', labels: ['orders', 'eu'], expires_in: 3_600 }
    const id = await bed.create({ ...extras, callback })
    const reply = await bed.send('GET', `/timers/${id}`)
    expect(reply.json()).toMatchObject({ ...extras, callback: { on: ['fired', 'failed'] } })
    expect(reply.payload).not.toContain('secret')
    expect(await bed.api.find(id)).toMatchObject({
      key: 'order:17',
      labels: ['orders', 'eu'],
      expiresIn: 3_600,
      callback,
    })
  })

  it('are not there where they were not given', async () => {
    const timer = (await bed.send('GET', `/timers/${await bed.create()}`)).json()
    for (const name of ['key', 'labels', 'expires_in', 'callback', 'resolved', 'finished_at']) {
      expect(timer).not.toHaveProperty(name)
    }
  })

  it('a callback tells of every end but the good one, where it does not say', async () => {
    const id = await bed.create({ callback: { url: 'https://c.example/' } })
    const { callback } = (await bed.send('GET', `/timers/${id}`)).json()
    expect(callback.on.toSorted()).toEqual(['cancelled', 'expired', 'failed', 'unknown'])
  })
})

const FAR = '2099-01-01T00:00:00'
const SOON = `${YEAR}-01-01T18:00:00`
const CALLBACK = 'https://c.example/'

describe('POST /timers refuses with a 400 of its own', () => {
  it.each<[string, string | object, string, string, string]>([
    ['an in that is a number', { in: 90 }, 'INVALID_BODY', 'in', 'in must be text: a duration'],
    ['an in in no unit', { in: '90' }, 'INVALID_DURATION', 'in', 'such as "1h30m"'],
    ['an empty in', { in: '' }, 'INVALID_DURATION', 'in', 'such as "1h30m"'],
    ['an in of nothing', { in: '0s' }, 'INVALID_DURATION', 'in', 'at least 1 second'],
    ['an in of years', { in: 'P1Y' }, 'INVALID_DURATION', 'in', 'years or months'],
    ['an in that is too long', { in: '9999d' }, 'INVALID_DURATION', 'in', 'at most 63072000 seconds'],
    ['an in that is endless', { in: `${'9'.repeat(400)}s` }, 'INVALID_DURATION', 'in', 'in must be'],
    ['an at that is a number', { at: 4_102_444_800 }, 'INVALID_BODY', 'at', 'an instant with its offset'],
    ['an at without an offset', { at: SOON }, 'INVALID_TIME', 'at', 'must end with an offset'],
    ['an at that is a day', { at: '2100-12-24' }, 'INVALID_TIME', 'at', 'RFC 3339 with an offset'],
    ['an at on no day', { at: '2100-02-29T18:00:00Z' }, 'INVALID_TIME', 'at', 'a date that there is'],
    ['an at that is past', { at: '2020-01-01T00:00:00Z' }, 'INVALID_TIME', 'at', 'must not be past'],
    ['an at that is too far', { at: `${FAR}Z` }, 'INVALID_TIME', 'at', 'at most 63072000 seconds from now'],
    ['an at_local without a zone', { at_local: FAR }, 'INVALID_TIME', 'at_local', 'needs timezone beside it'],
    [
      'an at_local with an offset',
      { at_local: `${FAR}Z`, timezone: 'Europe/Berlin' },
      'INVALID_TIME',
      'at_local',
      'must have no offset',
    ],
    [
      'an at_local that is a number',
      { at_local: 7, timezone: 'Europe/Berlin' },
      'INVALID_BODY',
      'at_local',
      'a date and time without an offset',
    ],
    ['a zone alone', { timezone: 'Europe/Berlin' }, 'INVALID_TIME', 'timezone', 'needs at_local beside it'],
    [
      'a zone that is none',
      { at_local: SOON, timezone: 'Mars/Olympus' },
      'INVALID_TIME',
      'timezone',
      'the name of an IANA time zone',
    ],
    [
      'a zone that is a number',
      { at_local: SOON, timezone: 1 },
      'INVALID_BODY',
      'timezone',
      'the name of a time zone',
    ],
    ['two times', { minutes: 5, in: '5m' }, 'INVALID_TIME', 'minutes', 'not by minutes and in'],
    [
      'three times',
      { in: '5m', at: `${FAR}Z`, at_local: FAR, timezone: 'Europe/Berlin' },
      'INVALID_TIME',
      'in',
      'not by in and at and at_local and timezone',
    ],
    ['no time', {}, 'INVALID_BODY', 'seconds', 'or in, or at, or at_local with timezone'],
    ['a key that is a number', { in: '1h', key: 7 }, 'INVALID_BODY', 'key', 'key must be text'],
    ['a key of null', { in: '1h', key: null }, 'INVALID_BODY', 'key', 'key must be text'],
    ['an empty key', { in: '1h', key: '' }, 'INVALID_KEY', 'key', '1 to 128 characters'],
    ['a key with a space', { in: '1h', key: 'a b' }, 'INVALID_KEY', 'key', '1 to 128 characters'],
    [
      'a key that is too long',
      { in: '1h', key: 'k'.repeat(129) },
      'INVALID_KEY',
      'key',
      '1 to 128 characters',
    ],
    ['labels that are text', { in: '1h', labels: 'a' }, 'INVALID_BODY', 'labels', 'labels must be a list'],
    [
      'a label that is a number',
      { in: '1h', labels: ['a', 7] },
      'INVALID_BODY',
      'labels',
      'a list of at most 8',
    ],
    ['a label with a comma', { in: '1h', labels: ['a,b'] }, 'INVALID_LABELS', 'labels', 'labels must be'],
    ['an empty label', { in: '1h', labels: [''] }, 'INVALID_LABELS', 'labels', '1 to 64 characters'],
    [
      'a long label',
      { in: '1h', labels: ['l'.repeat(65)] },
      'INVALID_LABELS',
      'labels',
      '1 to 64 characters',
    ],
    ['nine labels', { in: '1h', labels: [...'abcdefghi'] }, 'INVALID_LABELS', 'labels', 'at most 8 texts'],
    [
      'an expiry in text',
      { in: '1h', expires_in: '60' },
      'INVALID_BODY',
      'expires_in',
      'expires_in must be a whole number of seconds',
    ],
    [
      'an expiry of 1.5',
      { in: '1h', expires_in: 1.5 },
      'INVALID_BODY',
      'expires_in',
      'a whole number of seconds',
    ],
    [
      'an expiry of 0',
      { in: '1h', expires_in: 0 },
      'INVALID_EXPIRY',
      'expires_in',
      'whole number of seconds from 1',
    ],
    ['an expiry below 0', { in: '1h', expires_in: -1 }, 'INVALID_EXPIRY', 'expires_in', 'from 1 to'],
    ['an endless expiry', { in: '1h', expires_in: 1e15 }, 'INVALID_EXPIRY', 'expires_in', 'from 1 to'],
    [
      'a callback that is text',
      { in: '1h', callback: CALLBACK },
      'INVALID_BODY',
      'callback',
      'must be an object',
    ],
    ['a callback without a URL', { in: '1h', callback: {} }, 'INVALID_BODY', 'callback.url', 'is required'],
    [
      'a callback with more',
      { in: '1h', callback: { url: CALLBACK, method: 'PUT' } },
      'INVALID_BODY',
      'callback.method',
      'callback.method is not a field of a callback; allowed are url and on',
    ],
    [
      'a callback to another scheme',
      { in: '1h', callback: { url: 'ftp://c.example/' } },
      'INVALID_CALLBACK',
      'callback.url',
      'callback.url must be an absolute URL that starts with http:// or https://',
    ],
    [
      'a callback to a private address',
      { in: '1h', callback: { url: 'http://169.254.169.254/' } },
      'INVALID_CALLBACK',
      'callback.url',
      'callback.url must not name an address that is not public',
    ],
    [
      'a callback for text',
      { in: '1h', callback: { url: CALLBACK, on: 'failed' } },
      'INVALID_BODY',
      'callback.on',
      'callback.on must be a list of final statuses',
    ],
    [
      'a callback for no end',
      { in: '1h', callback: { url: CALLBACK, on: [] } },
      'INVALID_CALLBACK',
      'callback.on',
      'must name one or more of',
    ],
    [
      'a callback for another status',
      { in: '1h', callback: { url: CALLBACK, on: ['pending'] } },
      'INVALID_CALLBACK',
      'callback.on',
      'must name one or more of',
    ],
    [
      'a field of batches',
      { in: '1h', idempotency_key: 'a' },
      'INVALID_BODY',
      'idempotency_key',
      'not a field',
    ],
    ['a field of PUT', { in: '1h', on_conflict: 'keep' }, 'INVALID_BODY', 'on_conflict', 'not a field'],
  ])('%s', async (_name, body, code, field, message) => {
    const stored = await bed.timerCount()
    const reply = await post({ url: URL, ...(body as object) })
    expectProblem(reply, 400, code, { errors: [{ field }] })
    expect(reply.json().detail).toContain(message)
    expect(reply.headers.location).toBeUndefined()
    expect(await bed.timerCount()).toBe(stored)
  })
})
