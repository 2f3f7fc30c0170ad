import { type Log, parseRedisUrl } from '@timers/core'
import { eventually, startTestSentinel, type TestSentinel } from '@timers/lab'
import { PrimaryWatch } from '../src/nodes/primary-watch.ts'
import { connect } from '../src/nodes/redis-client.ts'

const log: Log = { debug() {}, info() {}, warn() {}, error() {} }

describe('a process under Sentinels', () => {
  let sentinel: TestSentinel
  const closers: (() => void)[] = []

  beforeAll(async () => {
    sentinel = await startTestSentinel()
  })
  afterEach(() => {
    for (const close of closers.splice(0).reverse()) close()
  })
  afterAll(() => sentinel.stop())

  function watch(url = sentinel.url): PrimaryWatch {
    const place = parseRedisUrl(url)
    if (place.kind !== 'sentinel') throw new Error('no Sentinels')
    const primary = new PrimaryWatch(place, { log })
    closers.push(() => primary.close())
    return primary
  }

  function connections(primary: PrimaryWatch) {
    const where = () => primary.address
    const onMove = (listener: () => void) => primary.onMove(listener)
    const endpoint = { kind: 'following', access: { tls: false }, where, onMove, primary } as const
    const redis = connect(endpoint, 'worker', { log })
    const copy = redis.duplicate().on('error', () => {})
    closers.push(() => redis.disconnect())
    closers.push(() => copy.disconnect())
    return { redis, copy }
  }

  const primaryPort = async () => (await sentinel.redis.primary()).clientPort
  const named = (primary: PrimaryWatch, port: number) =>
    eventually(() => expect(primary.address?.port).toBe(port), { timeoutMs: 10_000 })

  test('finds the primary although a Sentinel stands still, the first that it would ask', async () => {
    const [first] = sentinel.redis.sentinels
    first?.freeze()
    try {
      await named(watch(), await primaryPort())
    } finally {
      first?.thaw()
    }
  })

  test('does not take a replica for the primary that nobody has promoted, whatever it says', async () => {
    const primary = watch()
    const before = await primaryPort()
    await named(primary, before)
    const [replica] = await sentinel.redis.replicas()
    await replica?.command('REPLICAOF', 'NO', 'ONE')
    try {
      await eventually(
        async () => {
          const said = await sentinel.redis.sentinels[0]?.command('SENTINEL', 'REPLICAS', 'timers')
          expect(String(said)).toContain('role-reported,master')
        },
        { timeoutMs: 15_000 },
      )
      expect(primary.address?.port).toBe(before)
    } finally {
      const old = await sentinel.redis.primary()
      await replica?.command('REPLICAOF', '127.0.0.1', String(old.clientPort))
    }
  })

  test('goes on waiting at the successor of a primary that stands still, in copies of a connection too, told by Sentinels that the URL does not name', async () => {
    const [first, ...others] = sentinel.redis.sentinels
    const old = await sentinel.redis.primary()
    const primary = watch(sentinel.url.replace(/,[^/]*/, ''))
    const { redis, copy } = connections(primary)
    await redis.set('here', 'before')
    const waits = [redis.bzpopmin('one', 0), copy.bzpopmin('other', 0)]
    await eventually(async () => {
      for (const each of others) expect(await each.command('CLIENT', 'LIST')).toMatch(/cmd=sentinel\|/)
      expect(await old.command('CLIENT', 'LIST')).toMatch(/cmd=bzpopmin.*cmd=bzpopmin/s)
    })
    await first?.kill()
    old.freeze()
    const heir = await sentinel.redis.successorOf(old)
    await heir.commands([
      ['ZADD', 'one', '1', 'a'],
      ['ZADD', 'other', '2', 'b'],
    ])
    expect(await Promise.all(waits)).toEqual([
      ['one', 'a', '1'],
      ['other', 'b', '2'],
    ])
    old.thaw()
    await eventually(async () => expect(await old.info('replication')).toBeDefined())
    // It says for some seconds that it is primary: nobody goes back.
    expect(primary.address?.port).toBe(heir.clientPort)
    expect(await redis.info('replication')).toMatch(/role:master/)
  })
})
