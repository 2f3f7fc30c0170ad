import type { Log } from '@timers/core'
import { startTestCluster, type TestCluster } from '@timers/lab'
import type { Redis } from 'ioredis'
import { connect } from '../src/nodes/redis-client.ts'
import { waitingConnection } from '../src/nodes/waiting-connection.ts'

const log: Log = { debug() {}, info() {}, warn() {}, error() {} }

describe('a connection that waits at a shard', () => {
  let cluster: TestCluster
  let redis: Redis | undefined

  beforeAll(async () => {
    cluster = await startTestCluster({ primaries: 1, replicas: 1 })
  })
  afterEach(() => redis?.disconnect())
  afterAll(() => cluster.stop())

  test('begins while nobody is known to serve the shard, and waits at whoever comes to', async () => {
    const primary = await cluster.redis.ownerOfKey('{0}')
    let owner: string | undefined
    redis = waitingConnection({
      owner: () => owner,
      moved: () => {},
      onChange: () => () => {},
      open: (where) => connect({ kind: 'following', where, access: { tls: false } }, 'worker', { log }),
    })
    const again = redis
    await new Promise((resolve) => again.once('reconnecting', resolve))
    owner = `127.0.0.1:${primary.clientPort}`
    const waiting = redis.bzpopmin('{0}:marker', 0)
    await primary.command('ZADD', '{0}:marker', '0', 'found')
    expect(await waiting).toEqual(['{0}:marker', 'found', '0'])
  })

  test('that came up at the old node, for which nothing changes any more, waits at the new one', async () => {
    const primary = await cluster.redis.ownerOfKey('{0}')
    const [replica] = await cluster.redis.replicasOf(primary)
    let owner = `127.0.0.1:${replica?.clientPort}`
    redis = waitingConnection({
      owner: () => owner,
      moved: (address) => {
        owner = address
      },
      onChange: () => () => {},
      open: (where) => connect({ kind: 'following', where, access: { tls: false } }, 'worker', { log }),
    })
    await expect(redis.bzpopmin('{0}:marker', 0)).rejects.toThrow('MOVED')
    const waiting = redis.bzpopmin('{0}:marker', 0)
    await primary.command('ZADD', '{0}:marker', '0', 'found')
    expect(await waiting).toEqual(['{0}:marker', 'found', '0'])
  })
})
