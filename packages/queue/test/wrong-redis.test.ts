import type { Log } from '@timers/core'
import {
  eventually,
  startTestCluster,
  startTestRedis,
  startTestSentinel,
  type TestCluster,
  type TestRedis,
  type TestSentinel,
} from '@timers/lab'
import type { RedisOptions } from '../src/index.ts'
import { createRedisTimerStore } from '../src/timers/timer-store.ts'

const USER = { name: 'timers', password: 'right-password', rules: ['~*', '&*', '+@all'] }

/** An operator who writes the wrong thing reads within seconds what to write, in the log and on /readyz. */
describe('what REDIS_URL says is not what is there', () => {
  let redis: TestRedis
  let cluster: TestCluster
  let sentinel: TestSentinel
  let tlsCluster: TestCluster
  let tlsSentinel: TestSentinel

  beforeAll(async () => {
    // As few nodes as will do: they are only asked who they are.
    const few = { primaries: 1, replicas: 0 }
    ;[redis, cluster, sentinel, tlsCluster, tlsSentinel] = await Promise.all([
      startTestRedis(),
      startTestCluster(few),
      startTestSentinel(),
      startTestCluster({ ...few, tls: true, user: USER }),
      startTestSentinel({ tls: true, user: USER }),
    ])
  }, 60_000)
  afterAll(() => Promise.all([redis, cluster, sentinel, tlsCluster, tlsSentinel].map((each) => each?.stop())))

  const hostOf = (url: string) => /(?:@|\/\/)(?<host>[^/@,]+)(?:[,/]|$)/.exec(url)?.groups?.host
  const withoutLogin = (url: string) => url.replace(/\/\/.*@/, '//')

  async function expectWords(words: string, redisUrl: string, more: Partial<RedisOptions> = {}) {
    const lines: string[] = []
    const say = (_: unknown, line: string) => void lines.push(line)
    const log: Log = { debug() {}, info: say, warn: say, error: say }
    const store = createRedisTimerStore({ redisUrl, shards: 2, log, ...more })
    // The service stops with these: that is its last line.
    void store.failed.then(({ message }) => lines.push(message))
    try {
      await eventually(
        () => {
          expect(store.health()).toMatchObject({ ready: false, problems: [expect.stringContaining(words)] })
          expect(lines.join('\n')).toContain(words)
        },
        { timeoutMs: 10_000 },
      )
      expect(lines.join('\n')).not.toMatch(/(right|wrong)-password/)
    } finally {
      await store.close()
    }
  }

  test('redis:// and a node of a cluster', () =>
    expectWords('write redis+cluster://host:port', `redis://${hostOf(cluster.url)}`))
  test('redis:// and a Sentinel', () =>
    expectWords(
      'this is a Sentinel and no Redis: write redis+sentinel://',
      `redis://${hostOf(sentinel.url)}`,
    ))
  test('redis+cluster:// and a single Redis', () =>
    expectWords('write redis:// instead of redis+cluster://', `redis+cluster://127.0.0.1:${redis.port}`))
  test('redis+cluster:// and a Sentinel', () =>
    expectWords('REDIS_URL names no node of a cluster', `redis+cluster://${hostOf(sentinel.url)}`))
  test('redis+sentinel:// and a single Redis', () =>
    expectWords('REDIS_URL names no Sentinel', `redis+sentinel://127.0.0.1:${redis.port}/timers`))
  test('redis+sentinel:// and a name that nobody knows', () =>
    expectWords('watch no primary of that name', sentinel.url.replace(/[^/]*$/, 'nobody')))

  test('a single Redis without TLS is spoken to with it', () =>
    expectWords('does not speak TLS on this port', redis.url.replace('redis:', 'rediss:')))
  test('a single Redis with TLS is spoken to without', () =>
    expectWords('speaks TLS on this port: write rediss', `redis://${hostOf(tlsCluster.url)}`))

  describe.each([
    ['cluster', () => cluster, () => tlsCluster, () => tlsSentinel],
    ['Sentinel', () => sentinel, () => tlsSentinel, () => tlsCluster],
  ])('%s', (_kind, plain, secured, other) => {
    const ca = () => ({ redisCaFile: secured().caFile })

    test('no password', () =>
      expectWords('Redis wants a password: set it in REDIS_URL', withoutLogin(secured().url), ca()))
    test('a wrong password', () =>
      expectWords('refuses the user or password', secured().url.replace('right', 'wrong'), ca()))
    test('an authority that is not known', () => expectWords('REDIS_CA_FILE', secured().url))
    test('another authority', () =>
      expectWords('REDIS_CA_FILE', secured().url, { redisCaFile: other().caFile }))
    test('TLS is not spoken there', () =>
      expectWords('does not speak TLS on this port', plain().url.replace('redis+', 'rediss+')))
    test('nothing but TLS is spoken there', () =>
      expectWords('speaks TLS on this port: write rediss', secured().url.replace('rediss', 'redis')))
  })

  test('Sentinels that want a password of their own', async () => {
    const secret = async (...rules: string[]) => {
      for (const each of sentinel.redis.sentinels) await each.command('ACL', 'SETUSER', 'default', ...rules)
    }
    await secret('resetpass', '>sentinel-password', '-@all', '+ping')
    await expectWords('set REDIS_SENTINEL_PASSWORD', sentinel.url)
    await expectWords('the Sentinels refuse the password in REDIS_SENTINEL_PASSWORD', sentinel.url, {
      sentinelPassword: 'wrong-password',
    })
  })
})
