import fc from 'fast-check'
import { createAddressPolicy } from './address-policy.ts'
import { TimerError } from './errors.ts'
import { FINAL_STATUSES } from './timer.ts'
import { parseCallback, parseExpiresIn, parseKey, parseLabels } from './timer-extras.ts'

const policy = createAddressPolicy({ allowCidrs: [] })
const URL = 'https://a.b/told?token=secret'
const ALPHABET = 'abcXYZ0189._:-'

function refusal(act: () => unknown): Pick<TimerError, 'code' | 'field' | 'message'> {
  try {
    act()
  } catch (error) {
    if (!(error instanceof TimerError)) throw error
    return error
  }
  throw new Error('accepted')
}

/** Texts of the alphabet of keys and labels. */
const word = (maxLength: number) => fc.string({ unit: fc.constantFrom(...ALPHABET), minLength: 1, maxLength })

describe('parseKey', () => {
  test('takes 1 to 128 characters of its alphabet, and nothing else', () => {
    fc.assert(fc.property(word(128), (key) => expect(parseKey(key)).toBe(key)))
    fc.assert(
      fc.property(fc.string(), (key) => {
        if (/^[A-Za-z0-9._:-]+$/.test(key)) expect(parseKey(key)).toBe(key)
        else expect(refusal(() => parseKey(key))).toMatchObject({ code: 'INVALID_KEY', field: 'key' })
      }),
    )
  })

  test.each<[string, unknown]>([
    ['nothing', ''],
    ['a character too many', 'x'.repeat(129)],
    ['a slash', 'a/b'],
    ['a line break at the end', 'a\n'],
    ['a letter of another alphabet', 'ä'],
    ['a number', 7],
  ])('refuses %s, and says what to write', (_, key) => {
    expect(refusal(() => parseKey(key as string)).message).toBe(
      'key must be 1 to 128 characters of A-Z, a-z, 0-9 and . _ : -',
    )
  })
})

describe('parseLabels', () => {
  test.each<[string, readonly string[], readonly string[] | undefined]>([
    ['none', [], undefined],
    ['one', ['a'], ['a']],
    ['some, in their order', ['b', 'a', 'c'], ['b', 'a', 'c']],
    ['repeated ones, once', ['b', 'a', 'b', 'a'], ['b', 'a']],
    ['nine of which two are the same', [...'abcdefgh', 'a'], [...'abcdefgh']],
    ['64 characters', ['x'.repeat(64)], ['x'.repeat(64)]],
  ])('takes %s', (_, labels, expected) => {
    expect(parseLabels(labels)).toEqual(expected)
  })

  test.each<[string, unknown]>([
    ['nine', [...'abcdefghi']],
    ['65 characters', ['x'.repeat(65)]],
    ['an empty one', ['']],
    ['a space', ['a b']],
    ['a number', [1]],
    ['text for a list', 'abc'],
  ])('refuses %s', (_, labels) => {
    const refused = refusal(() => parseLabels(labels as string[]))
    expect(refused).toMatchObject({ code: 'INVALID_LABELS', field: 'labels' })
    expect(refused.message).toMatch(/at most 8 texts, each of 1 to 64 characters/)
  })
})

describe('parseExpiresIn', () => {
  test('takes whole seconds from 1 to ten years', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.double(), fc.integer(), fc.integer({ min: 0, max: 400_000_000 })),
        (seconds) => {
          const fits = Number.isInteger(seconds) && seconds >= 1 && seconds <= 315_360_000
          if (fits) expect(parseExpiresIn(seconds)).toBe(seconds)
          else
            expect(refusal(() => parseExpiresIn(seconds))).toMatchObject({
              code: 'INVALID_EXPIRY',
              field: 'expires_in',
            })
        },
      ),
      { examples: [[0], [1], [1.5], [315_360_000], [315_360_001]] },
    )
  })

  test('refuses text', () => {
    expect(refusal(() => parseExpiresIn('60' as unknown as number)).message).toBe(
      'expires_in must be a whole number of seconds from 1 to 315360000',
    )
  })
})

describe('parseCallback', () => {
  test.each<[string, string[] | undefined, string[]]>([
    ['all ends but the good one by default', undefined, ['failed', 'unknown', 'expired', 'cancelled']],
    ['one end', ['fired'], ['fired']],
    ['ends in any order, each once', ['expired', 'failed', 'expired'], ['failed', 'expired']],
    ['all ends', [...FINAL_STATUSES], [...FINAL_STATUSES]],
  ])('takes %s', (_, on, expected) => {
    expect(parseCallback({ url: URL, on }, policy)).toEqual({ url: URL, on: expected })
  })

  test.each<[string, object, string, RegExp]>([
    ['no end', { on: [] }, 'callback.on', /one or more of fired, failed, unknown, expired, cancelled/],
    ['an end that is none', { on: ['failed', 'pending'] }, 'callback.on', /one or more of/],
    ['an end that is no text', { on: [1] }, 'callback.on', /one or more of/],
    ['text for a list of ends', { on: 'failed' }, 'callback.on', /one or more of/],
    [
      'a URL of another scheme',
      { url: 'ftp://a.b/secret' },
      'callback.url',
      /^callback\.url must be an absolute/,
    ],
    ['a URL with a password', { url: 'https://me:secret@a.b/' }, 'callback.url', /user name or password/],
    ['a URL that is too long', { url: `${URL}${'x'.repeat(2_048)}` }, 'callback.url', /at most 2048/],
    ['an address that is not public', { url: 'http://10.0.0.1/secret' }, 'callback.url', /not public/],
    ['the same in disguise', { url: 'http://0x0a000001/secret' }, 'callback.url', /not public/],
    ['a metadata address', { url: 'http://169.254.169.254/secret' }, 'callback.url', /not public/],
    ['no URL', { url: undefined }, 'callback.url', /must be text/],
  ])('refuses %s, and quotes nothing of the URL', (_, changes, field, message) => {
    const refused = refusal(() => parseCallback({ url: URL, ...changes }, policy))
    expect(refused).toMatchObject({ code: 'INVALID_CALLBACK', field })
    expect(refused.message).toMatch(message)
    expect(refused.message).not.toMatch(/secret/)
  })
})
