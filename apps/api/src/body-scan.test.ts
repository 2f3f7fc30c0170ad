import fc from 'fast-check'
import { scanBody } from './body-scan.ts'

const scan = (text: string) => scanBody(Buffer.from(text))
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)

/** Writes a value as JSON in one of its many forms, and the same without whitespace. */
interface Written {
  readonly loose: string
  readonly compact: string
}

const whitespace = fc
  .array(fc.constantFrom(' ', '\n', '\r', '\t'), { maxLength: 3 })
  .map((parts) => parts.join(''))

/** A text with some of its characters escaped, as JSON allows it for any of them. */
const text: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3 }).map((part) => JSON.stringify(part).slice(1, -1)),
      fc.nat(0xffff).map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`),
      fc.constantFrom(
        '\\"',
        '\\\\',
        '\\/',
        '\\b',
        ' ',
        '  ',
        '\u2028',
        '[',
        '{',
        '}',
        ']',
        ',',
        ':',
        '\\ud800',
      ),
    ),
    { maxLength: 5 },
  )
  .map((parts) => `"${parts.join('')}"`)

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom('1234567890123456789', '1e309', '-0', '0.10', '1E+2', '1.0', '-1e-400', '0e0'),
)

const { value } = fc.letrec<{ value: Written; array: Written; object: Written }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, depthSize: 'small' },
    fc
      .oneof(text, number, fc.constantFrom('null', 'true', 'false'))
      .map((given) => ({ loose: given, compact: given })),
    tie('array'),
    tie('object'),
  ),
  array: fc
    .tuple(whitespace, fc.array(fc.tuple(whitespace, tie('value'), whitespace), { maxLength: 4 }))
    .map(([space, items]) => ({
      loose: `[${space}${items.map(([before, item, after]) => before + item.loose + after).join(',')}]`,
      compact: `[${items.map(([, item]) => item.compact).join(',')}]`,
    })),
  object: fc
    .tuple(
      whitespace,
      fc.array(fc.tuple(whitespace, fc.oneof(text, fc.constant('"payload"')), tie('value'), whitespace), {
        maxLength: 4,
      }),
    )
    .map(([space, members]) => ({
      loose: `{${space}${members
        .map(([before, name, member, after]) => `${before}${name}${after}:${before}${member.loose}${after}`)
        .join(',')}}`,
      compact: `{${members.map(([, name, member]) => `${name}:${member.compact}`).join(',')}}`,
    })),
}))

describe('the payload of a body', () => {
  it('is the text that was given, without the whitespace between its parts', () => {
    fc.assert(
      fc.property(value, whitespace, fc.boolean(), fc.boolean(), (payload, space, first, escaped) => {
        const member = `${escaped ? '"p\\u0061yload"' : '"payload"'}${space}:${space}${payload.loose}${space}`
        const others = '"url" : "https://a.b/,\\"payload\\":1", "headers": {"payload": "x"}'
        const body = `${space}{${space}${first ? `${member},${others}` : `${others},${member}`}}${space}`
        expect(scan(body)).toEqual({ tooDeep: undefined, repeated: undefined, payload: payload.compact })
        expect(JSON.parse(payload.compact)).toEqual(JSON.parse(payload.loose))
      }),
      { numRuns: 1_000 },
    )
  })

  it.each([
    ['{"seconds":1}', undefined],
    ['{"payload":1234567890123456789}', '1234567890123456789'],
    ['{"payload":1e309}', '1e309'],
    ['{"payload":{"a":1,"a":2}}', '{"a":1,"a":2}'],
    ['{"payload": "a  b" }', '"a  b"'],
    ['{"payload":"\\ud800"}', '"\\ud800"'],
    ['{"headers":{"payload":"x"}}', undefined],
    ['[{"payload":1}]', undefined],
    ['{"a":"\\"payload\\":1"}', undefined],
    ['{"url":"payload","seconds":1}', undefined],
  ])('of %s is %s', (body, payload) => {
    expect(scan(body).payload).toBe(payload)
  })
})

describe('a name that stands twice', () => {
  it.each([
    ['{"seconds":1,"seconds":2}', { name: 'seconds', field: undefined }],
    ['{"payload":1,"payload":2}', { name: 'payload', field: undefined }],
    ['{"payload":[{"a":1}],"pa\\u0079load":2}', { name: 'payload', field: undefined }],
    ['{"headers":{"x-a":"1","x-a":"2"}}', { name: 'x-a', field: 'headers' }],
    ['{"__proto__":1,"__proto__":2}', { name: '__proto__', field: undefined }],
    ['{"payload":{"a":1,"a":2},"headers":{"a":"1"},"a":1}', undefined],
    ['[{"a":1},{"a":1}]', undefined],
  ])('in %s', (body, repeated) => {
    expect(scan(body).repeated).toEqual(repeated)
  })
})

describe('nesting', () => {
  it.each([
    [`{"payload":${nested(32)}}`, undefined],
    [`{"payload":${nested(33)}}`, 'payload'],
    [`{"payload":"${'['.repeat(100)}"}`, undefined],
    [`{"payload":[${Array(500).fill(nested(31)).join(',')}]}`, undefined],
    [`{"a":1,"payload":1,"headers":${nested(33)}}`, 'body'],
    [nested(34), 'body'],
    ['['.repeat(16_000), 'body'],
  ])('%.40s is too deep: %s', (body, tooDeep) => {
    expect(scan(body).tooDeep).toBe(tooDeep)
  })
})

it('takes any bytes, JSON or not', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .array(fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', 'payload', ' ', '1'), { maxLength: 60 })
      .map((parts) => Buffer.from(parts.join(''))),
  )
  fc.assert(
    fc.property(bytes, (given) => {
      scanBody(Buffer.from(given))
    }),
    { numRuns: 2_000 },
  )
})
