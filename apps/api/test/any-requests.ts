import fc from 'fast-check'

/** Timers that there are, to be asked for: filled before the requests are made. */
export const ids: number[] = []

const junk = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(null, true, '', 0, -1, 1.5, 1e300, '\u0000', '\ud800', [], {}, 'x'.repeat(300)),
)

/** A value that is right, most of the time; else one that nearly is, or any. */
const mostly = (right: unknown[], wrong: unknown[] = []) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...right) },
    { weight: 1, arbitrary: wrong.length === 0 ? junk : fc.constantFrom(...wrong) },
    { weight: 1, arbitrary: junk },
  )

const CALLBACK = { url: 'https://c.example/' }

const FIELDS = {
  hours: mostly([0, 1], [8_761]),
  minutes: mostly([1, 90]),
  seconds: mostly([1, 31_536_000], [0]),
  in: mostly(['1h30m', 'PT1S', '2d'], ['P1Y', '0s', '1h1h']),
  at: mostly(
    [new Date(Date.now() + 86_400_000).toISOString()],
    ['2026-12-24T18:00:00', '2020-01-01T00:00:00Z', '9999-12-31T23:59:60Z'],
  ),
  at_local: mostly(['2027-03-28T02:30:00'], ['0000-01-01T00:00:00', '2027-03-28T02:30:00Z']),
  timezone: mostly(['Europe/Berlin', 'utc'], ['Mars/Olympus', '+01:00', '__proto__']),
  url: mostly(['https://example.com/a'], ['http://10.0.0.1/', 'ftp://a.b', 'https://a.b:99999/']),
  delivery: mostly(['at_most_once', 'at_least_once']),
  max_attempts: mostly([1, 30], [31]),
  payload: mostly([null, { a: [1] }, 'null']),
  headers: mostly([{}, { 'x-a': '1' }], [{ host: 'x' }]),
  key: mostly(['other', 'a.b:c_d-e'], ['known', 'a b']),
  labels: mostly([[], ['a', 'b'], ['a', 'a']], [[...'abcdefghij'], ['a b']]),
  expires_in: mostly([1, 86_400], [0]),
  callback: mostly([CALLBACK, { ...CALLBACK, on: ['failed'] }], [{}, { ...CALLBACK, on: ['pending'] }]),
  on_conflict: mostly(['replace', 'keep_due', 'keep'], ['merge']),
  as: mostly(['fired', 'failed'], ['unknown']),
  note: mostly(['because'], ['x'.repeat(501)]),
  idempotency_key: mostly(['a', '"b"'], ['c d']),
  timers: mostly([[{ seconds: 60, url: 'https://example.com/' }]], [[], [null, 7, {}]]),
  filter: mostly([{ label: 'a' }, { status: 'failed' }], [{}, { due_before: 'soon' }]),
  limit: mostly([1, 1_000], [1_001]),
  cursor: mostly([''], ['AAAA', 'eyJ9']),
  dry_run: mostly([true, false]),
  per_second: mostly([1], [0]),
}

type Field = keyof typeof FIELDS

const CONTENT: Field[] = [
  'delivery',
  'max_attempts',
  'payload',
  'headers',
  'labels',
  'expires_in',
  'callback',
]
const TIMES: Field[] = ['hours', 'minutes', 'seconds', 'in', 'at', 'at_local', 'timezone']
const MANY: Field[] = ['filter', 'limit', 'cursor', 'dry_run']

/** What is asked for, and which fields may be in it; of `whole` it could be done as it stands. */
const KINDS: readonly {
  readonly method: string
  readonly path: string
  readonly fields: readonly Field[]
  readonly whole: object
}[] = [
  { method: 'POST', path: '/timers', fields: [...CONTENT, 'key'], whole: timer() },
  { method: 'PUT', path: '/timers/by-key/*', fields: [...CONTENT, 'on_conflict'], whole: timer() },
  { method: 'PATCH', path: '/timers/*', fields: [...CONTENT, ...TIMES, 'url'], whole: {} },
  { method: 'PATCH', path: '/timers/by-key/*', fields: [...CONTENT, ...TIMES, 'url'], whole: {} },
  { method: 'DELETE', path: '/timers/*', fields: [], whole: {} },
  { method: 'DELETE', path: '/timers/by-key/*', fields: [], whole: {} },
  { method: 'POST', path: '/timers/*/fire', fields: [], whole: {} },
  { method: 'POST', path: '/timers/*/redrive', fields: [], whole: {} },
  { method: 'POST', path: '/timers/*/resolve', fields: ['note'], whole: { as: 'fired' } },
  { method: 'POST', path: '/timers/batch', fields: ['timers'], whole: { timers: [timer()] } },
  { method: 'POST', path: '/timers/cancel', fields: MANY, whole: { filter: { label: 'a' } } },
  {
    method: 'POST',
    path: '/timers/redrive',
    fields: [...MANY, 'per_second'],
    whole: { filter: { label: 'a' } },
  },
  ...['/timers', '/timers/*', '/timers/by-key/*', '/stats', '/forecast'].map((path) => {
    return { method: 'GET', path, fields: [], whole: {} }
  }),
]

function timer() {
  return { minutes: 1, url: 'https://example.com/whole' }
}

/** Of a kind, with some of its fields, or with any; now and then with one that nobody knows. */
const objectOf = (kind: (typeof KINDS)[number]) =>
  fc
    .tuple(
      fc.oneof(
        {
          weight: 3,
          arbitrary: fc.subarray([...kind.fields], { maxLength: Math.min(2, kind.fields.length) }),
        },
        { weight: 1, arbitrary: fc.subarray(Object.keys(FIELDS) as Field[], { maxLength: 4 }) },
      ),
      fc.record(FIELDS),
      fc.oneof(
        { weight: 7, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.tuple(fc.string(), junk) },
      ),
      fc.integer({ min: 0, max: 4 }),
    )
    .map(([names, values, extra, whole]) => ({
      ...(whole > 0 && kind.whole),
      ...Object.fromEntries(names.map((name) => [name, values[name]])),
      ...(extra && { [extra[0]]: extra[1] }),
    }))

const bodyOf = (kind: (typeof KINDS)[number]) =>
  fc.oneof(
    { weight: 20, arbitrary: objectOf(kind).map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.json() },
    // Cut off, or with something in the middle.
    {
      weight: 1,
      arbitrary: fc.tuple(objectOf(kind), fc.nat(), fc.string({ maxLength: 2 })).map(([value, at, extra]) => {
        const text = JSON.stringify(value)
        const cut = at % (text.length + 1)
        return text.slice(0, cut) + extra + (extra === '' ? '' : text.slice(cut))
      }),
    },
    { weight: 1, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
  )

/** A part of a path, percent-encoded or not. */
const part = fc.oneof(
  // The newest more often: they are pending.
  fc.nat(9).map((back) => String(ids.at(-1 - (back % ids.length)))),
  fc.nat(40).map((turn) => String(ids[turn % ids.length])),
  fc.constantFrom('known', 'other'),
  fc.constantFrom(
    '0',
    '01',
    '999999999',
    'known',
    'other',
    'by-key',
    'batch',
    'abc',
    '%zz',
    'a%2Fb',
    '..',
    '',
  ),
  fc.string({ unit: 'binary', maxLength: 8 }).map((text) => {
    try {
      return encodeURIComponent(text)
    } catch {
      return '%ff'
    }
  }),
)

const query = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  {
    weight: 3,
    arbitrary: fc
      .array(
        fc.tuple(
          fc.constantFrom(
            'status',
            'due_after',
            'due_before',
            'label',
            'origin',
            'order',
            'limit',
            'cursor',
            'from',
            'to',
            'bucket',
            'x',
          ),
          fc.constantFrom(
            '',
            'pending',
            'failed,unknown',
            '2026-12-24T18:00:00Z',
            '1',
            '1001',
            'desc',
            'https://a.b',
            '%00',
            '%zz',
            'a b',
            '-1',
            '1e9',
          ),
        ),
        { maxLength: 3 },
      )
      .map((pairs) => `?${pairs.map(([name, value]) => `${name}=${value.replaceAll(' ', '+')}`).join('&')}`),
  },
)

const OTHER_PATHS = ['/ping', '/healthz', '/readyz', '/metrics', '/', '/*', '/*/*', '/timers/*/*/*']
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY', 'PROPFIND']

export const asked = fc.constantFrom(...KINDS).chain((kind) =>
  fc.record({
    method: fc.oneof(
      { weight: 6, arbitrary: fc.constant(kind.method) },
      { weight: 1, arbitrary: fc.constantFrom(...METHODS) },
    ),
    url: fc
      .tuple(
        fc.oneof(
          { weight: 9, arbitrary: fc.constant(kind.path) },
          { weight: 1, arbitrary: fc.constantFrom(...OTHER_PATHS) },
        ),
        part,
        part,
        query,
      )
      .map(([path, one, other, search]) => path.replace('*', one).replace('*', other) + search),
    payload: bodyOf(kind),
  }),
)

export const headers = fc.record(
  {
    'content-type': fc.oneof(
      { weight: 8, arbitrary: fc.constant('application/json') },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          'application/merge-patch+json',
          'text/plain',
          'application json',
          '',
          'a/b;c',
        ),
      },
    ),
    'idempotency-key': fc.constantFrom('a', '"a"', 'b', '', '"', 'a b', 'x'.repeat(300), 'ä'),
    'content-encoding': fc.constantFrom('identity', 'gzip'),
    traceparent: fc.constantFrom('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x'),
    'x-request-id': fc.constantFrom('own', 'a b', ''),
    origin: fc.constantFrom('https://evil.example', 'http://localhost:80', 'null'),
    'sec-fetch-site': fc.constantFrom('cross-site', 'same-origin'),
    expect: fc.constantFrom('100-continue'),
    accept: fc.constantFrom('text/html', 'application/json'),
  },
  { requiredKeys: ['content-type'] },
)
/** Mostly those without which nothing comes as far as a handler. */
export const plain = headers.map(({ 'content-type': type, 'idempotency-key': key }) => ({
  'content-type': type,
  ...(key !== undefined && { 'idempotency-key': key }),
}))
