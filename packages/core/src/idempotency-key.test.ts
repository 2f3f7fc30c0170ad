import fc from 'fast-check'
import { parseIdempotencyKey } from './idempotency-key.ts'

const visible = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 255,
})
const quoted = (key: string) => `"${key.replaceAll(/["\\]/g, '\\$&')}"`

describe('parseIdempotencyKey', () => {
  test.each([
    ['abc', 'abc'],
    ['"abc"', 'abc'],
    ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ['a"b', 'a"b'],
    ["'abc'", "'abc'"],
  ])('%s is the key %s', (text, key) => {
    expect(parseIdempotencyKey(text)).toBe(key)
  })

  test('is the same in quotes and bare', () => {
    fc.assert(
      fc.property(visible, (key) => {
        expect(parseIdempotencyKey(quoted(key))).toBe(key)
        if (!key.startsWith('"')) expect(parseIdempotencyKey(key)).toBe(key)
      }),
      { examples: [['"'], ['\\'], ['\\"'.repeat(127)]] },
    )
  })

  test.each<[string, unknown]>([
    ['nothing', ''],
    ['nothing in quotes', '""'],
    ['256 characters', 'x'.repeat(256)],
    ['256 characters in quotes', quoted('x'.repeat(256))],
    ['a space', 'a b'],
    ['two of them, as Node joins them', 'a, b'],
    ['a quote that is not closed', '"abc'],
    ['a quote in quotes', '"a"b"'],
    ['parameters', '"abc";x=1'],
    ['a letter beyond ASCII', 'schlüssel'],
    ['a line break', 'a\n'],
    ['a number', 7],
  ])('refuses %s', (_, text) => {
    expect(() => parseIdempotencyKey(text as string)).toThrow(
      expect.objectContaining({
        code: 'INVALID_IDEMPOTENCY_KEY',
        field: 'Idempotency-Key',
        message: expect.stringMatching(/1 to 255 visible ASCII characters/),
      }),
    )
  })

  test('names the field it came in', () => {
    expect(() => parseIdempotencyKey('', 'idempotency_key')).toThrow(/^idempotency_key must be/)
  })
})
