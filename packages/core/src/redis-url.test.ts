import { addressText, parseRedisUrl, toAddress } from './redis-url.ts'

const plain = { username: undefined, password: undefined, tls: false }

describe('REDIS_URL', () => {
  test.each([
    'redis://127.0.0.1:6379',
    'redis://:secret@redis/1',
    'rediss://user:p%40ss@redis.example:6380',
    'redis://[::1]:6379',
    'redis://redis:6379?family=6',
  ])('a single one is taken as it is: %s', (url) => {
    expect(parseRedisUrl(url)).toEqual({ kind: 'single', url })
  })

  test.each([
    ['one node', 'redis+cluster://a', [{ host: 'a', port: 6_379 }], plain],
    [
      'some nodes',
      'redis+cluster://a:1,b.example,10.0.0.1:65535/',
      [
        { host: 'a', port: 1 },
        { host: 'b.example', port: 6_379 },
        { host: '10.0.0.1', port: 65_535 },
      ],
      plain,
    ],
    [
      'IPv6',
      'redis+cluster://[2001:db8::1]:7000,[::1]/0',
      [
        { host: '2001:db8::1', port: 7_000 },
        { host: '::1', port: 6_379 },
      ],
      plain,
    ],
    [
      'a user over TLS',
      'rediss+cluster://timers:s3cret@a:1',
      [{ host: 'a', port: 1 }],
      { username: 'timers', password: 's3cret', tls: true },
    ],
    [
      'a password alone, with escapes',
      'redis+cluster://:p%40%3A%2Fss%25@a:1',
      [{ host: 'a', port: 1 }],
      { username: undefined, password: 'p@:/ss%', tls: false },
    ],
    [
      'a password with a colon',
      'redis+cluster://u:a:b@a:1',
      [{ host: 'a', port: 1 }],
      { username: 'u', password: 'a:b', tls: false },
    ],
  ])('a cluster of %s', (_name, url, seeds, access) => {
    expect(parseRedisUrl(url)).toEqual({ kind: 'cluster', seeds, access })
  })

  test.each([
    ['redis+sentinel://a,b:1/main', 'main', [26_379, 1], plain],
    [
      'rediss+sentinel://u:p@a:5,b:6/my%20primary',
      'my primary',
      [5, 6],
      { username: 'u', password: 'p', tls: true },
    ],
  ])('Sentinels: %s', (url, name, ports, access) => {
    const sentinels = [
      { host: 'a', port: ports[0] },
      { host: 'b', port: ports[1] },
    ]
    expect(parseRedisUrl(url)).toEqual({ kind: 'sentinel', sentinels, name, access })
  })

  test.each([
    ['http://s3cret@h', /it must be redis:\/\/.*redis\+cluster:\/\/.*redis\+sentinel:\/\//],
    ['redis+clusters://:s3cret@h:1', /it must be/],
    [
      'redis://:s3cret@h1:1,h2:2',
      /write redis\+cluster:\/\/ for a cluster, redis\+sentinel:\/\/ for Sentinels/,
    ],
    ['redis+cluster://:s3cret@h:1/3', /a cluster has database 0 only/],
    ['redis+cluster://:s3cret@', /each of its hosts must be host:port/],
    ['redis+cluster://:s3cret@h1,,h2', /each of its hosts must be host:port/],
    ['redis+cluster://:s3cret@h:0', /each of its hosts must be host:port/],
    ['redis+cluster://:s3cret@h:65536', /each of its hosts must be host:port/],
    ['redis+cluster://:s3cret@h:port', /each of its hosts must be host:port/],
    ['redis+cluster://:s3cret@2001:db8::1', /each of its hosts must be host:port/],
    ['redis+cluster://s3cret@h', /before @ stands user:password, or :password/],
    ['redis+cluster://:s3cret%@h', /write %25 for it/],
    ['redis+sentinel://:s3cret@h', /it lacks the primary's name/],
    ['redis+sentinel://:s3cret@h/', /it lacks the primary's name/],
    ['redis+sentinel://:s3cret@h/a/b', /it lacks the primary's name/],
    ['redis+cluster://:s3cret@h?x=1', /it must be/],
  ])('%s: what to write, and nothing of the URL', (url, words) => {
    expect(() => parseRedisUrl(url)).toThrow(words)
    expect(() => parseRedisUrl(url)).toThrow(RangeError)
    expect(() => parseRedisUrl(url)).not.toThrow(/s3cret/)
  })

  test.each([
    [{ host: 'h', port: 1 }, 'h:1'],
    [{ host: '2001:db8::1', port: 6_379 }, '2001:db8::1:6379'],
  ])('an address as Redis writes it, and back', (address, text) => {
    expect(addressText(address)).toBe(text)
    expect(toAddress(text)).toEqual(address)
  })
})
