import fc from 'fast-check'
import { TimerError } from './errors.ts'
import { callbackUrl, MAX_URL_LENGTH, originOf, parseTargetUrl, webhookUrl } from './target-url.ts'

function refusal(text: string): string {
  try {
    parseTargetUrl(text)
  } catch (error) {
    if (!(error instanceof TimerError)) throw error
    expect(error.code).toBe('INVALID_URL')
    expect(error.field).toBe('url')
    return error.message
  }
  throw new Error(`accepted: ${text}`)
}

const ofLength = (length: number) => `http://a.b/${'x'.repeat(length - 11)}`

describe('parseTargetUrl', () => {
  test.each([
    'http://a.b',
    'https://a.b/c?x=1#f',
    'HTTPS://EXAMPLE.COM/Hook',
    'http://a.b:8080/?@=1',
    'http://a.b/user@example.com',
    'http://a.b/?next=http://c.d/',
    'http://[::1]:3000/hook',
    'http://127.0.0.1/hook',
    'http://2130706433/',
    'https://bücher.example/straße?q=ü',
    'https://xn--bcher-kva.example/',
    'https://例え.テスト/',
    'http://１２７.0.0.1/',
    'http://localhost',
    'http://a.b/%2e%2e/c//d',
    'http://a.b/?',
    ofLength(MAX_URL_LENGTH),
  ])('accepts %s', (text) => {
    expect(parseTargetUrl(text)).toEqual(new URL(text))
  })

  test.each<[string, string, RegExp]>([
    ['too long by one', ofLength(MAX_URL_LENGTH + 1), /at most 2048 characters/],
    ['the empty string', '', /absolute URL/],
    ['a path', '/hook', /absolute URL/],
    ['no scheme', 'a.b/c', /absolute URL/],
    ['one slash, which the parser would mend', 'http:/a.b', /absolute URL/],
    ['no slash', 'http:a.b', /absolute URL/],
    ['backslashes instead of slashes', 'http:\\\\a.b', /absolute URL/],
    ['another scheme', 'ftp://a.b', /absolute URL/],
    ['a file', 'file:///etc/passwd', /absolute URL/],
    ['a script', 'javascript://a.b/%0aalert(1)', /absolute URL/],
    ['no host', 'http://', /valid URL/],
    ['no host but a port', 'http://:80/', /valid URL/],
    ['no host but a query', 'http://?x=1', /valid URL/],
    ['three slashes, whose first folder would become the host', 'http:///hook/x', /name a host/],
    ['a backslash for a host', 'https://\\hook', /name a host/],
    ['a host that is none', 'http://a b.c', /spaces/],
    ['a percent-encoded slash in the host', 'http://a%2fb/', /valid URL/],
    ['half a character, at which Redis’s JSON stops', 'http://a.b/\ud800', /half characters/],
    ['half an IPv6 address', 'http://[::1', /valid URL/],
    ['a port that is none', 'http://a.b:99999/', /valid URL/],
    ['port 0', 'http://a.b:0/', /port from 1/],
    ['a user', 'http://user@a.b/', /user name or password/],
    ['a user and a password', 'https://user:secret@a.b/', /user name or password/],
    ['a password alone', 'http://:secret@a.b/', /user name or password/],
    ['an empty user', 'http://@a.b/', /user name or password/],
    ['an empty user and password', 'http://:@a.b/', /user name or password/],
    ['a percent-encoded user', 'http://%75ser@a.b/', /user name or password/],
    ['two at signs', 'http://a@b@c.d/', /user name or password/],
    ['a user before a backslash', 'http://a.b\\@c.d/', /user name or password/],
    ['a tab within, which the parser would drop', 'http://a.b/c\td', /control characters/],
    ['a newline in the scheme', 'ht\ntp://a.b', /control characters/],
    ['a carriage return at the end', 'http://a.b/\r\n', /control characters/],
    ['a space at the start', ' http://a.b', /spaces/],
    ['a NUL', 'http://a.b/\0', /control characters/],
    ['a DEL', 'http://a.b/\x7f', /control characters/],
  ])('refuses %s', (_, text, message) => {
    const said = refusal(text)
    expect(said).toMatch(message)
    expect(said).not.toContain('secret')
  })

  test('whatever is written, what is accepted is an http URL with a host and without user info', () => {
    const piece = fc.constantFrom(
      ...[
        'http',
        'https',
        ':',
        '/',
        '//',
        '\\',
        '@',
        '#',
        '?',
        '.',
        '%',
        '%40',
        '\t',
        ' ',
        '[',
        ']',
        '[::1]',
      ],
      ...['a', 'a.b', 'user', '127.0.0.1', '0', ':80', '\u3000', 'ü', '１', '\u200b', '\u00ad'],
    )
    const soup = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
    const text = fc.oneof(
      soup,
      soup.map((rest) => `http://${rest}`),
      fc.string({ unit: 'binary' }),
      fc.webUrl(),
    )
    fc.assert(
      fc.property(text, (written) => {
        let url: URL
        try {
          url = parseTargetUrl(written)
        } catch (error) {
          expect(error).toBeInstanceOf(TimerError)
          return
        }
        expect(url.protocol).toMatch(/^https?:$/)
        expect(url.hostname).not.toBe('')
        expect(url.username + url.password).toBe('')
        expect(originOf(written)).toBe(url.origin)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('webhookUrl', () => {
  test.each([
    ['https://a.b/c?x=1#f', 7, 'https://a.b/c/7?x=1'],
    ['https://a.b', 7, 'https://a.b/7'],
    ['https://a.b/', 7, 'https://a.b/7'],
    ['https://a.b/c/', 7, 'https://a.b/c/7'],
    ['https://a.b/c///', 7, 'https://a.b/c/7'],
    ['https://a.b///', 7, 'https://a.b/7'],
    ['https://a.b?x=/', 7, 'https://a.b/7?x=/'],
    ['https://a.b/#/c', 7, 'https://a.b/7'],
    ['https://a.b:8443/c', 1, 'https://a.b:8443/c/1'],
    ['http://[::1]:3000/hook', 12, 'http://[::1]:3000/hook/12'],
    ['http://a.b/c%2F', 7, 'http://a.b/c%2F/7'],
    ['http://a.b/c;v=1', 7, 'http://a.b/c;v=1/7'],
    ['https://bücher.example/ü', 7, 'https://xn--bcher-kva.example/%C3%BC/7'],
    ['http://a.b/c', Number.MAX_SAFE_INTEGER, 'http://a.b/c/9007199254740991'],
  ])('%s and %i give %s', (target, id, expected) => {
    expect(webhookUrl(target, id).href).toBe(expected)
  })

  test('appends exactly /id to the path, keeps the query, drops the fragment, doubles no slash', () => {
    const target = fc.webUrl({ withQueryParameters: true, withFragments: true, size: 'medium' })
    const slashes = fc.nat({ max: 3 }).map((count) => '/'.repeat(count))
    fc.assert(
      fc.property(target, slashes, fc.integer({ min: 1 }), (text, more, id) => {
        const before = new URL(text)
        before.pathname += more
        const after = webhookUrl(before.href, id)
        const kept = before.pathname.replace(/\/+$/, '')
        expect(after.pathname).toBe(`${kept}/${id}`)
        expect(after.search).toBe(before.search)
        expect(after.hash).toBe('')
        expect(after.href).not.toContain('#')
        expect(after.origin).toBe(before.origin)
      }),
    )
  })
})

describe('originOf', () => {
  test.each([
    ['https://a.b/secret?token=1#x', 'https://a.b'],
    ['http://a.b:8080/', 'http://a.b:8080'],
    ['not a url', 'invalid'],
  ])('%s: %s', (text, origin) => {
    expect(originOf(text)).toBe(origin)
  })
})

describe('callbackUrl', () => {
  test.each([
    ['https://a.b/c?x=1#f', 'https://a.b/c?x=1'],
    ['https://a.b/events/', 'https://a.b/events/'],
    ['https://a.b', 'https://a.b/'],
  ])('%s is called as %s: nothing is appended', (url, called) => {
    expect(callbackUrl(url).href).toBe(called)
  })
})
