import type { Log } from '@timers/core'
import { eventually, startTestCluster, type TestCluster } from '@timers/lab'
import type { Redis } from 'ioredis'
import { connect } from '../src/nodes/redis-client.ts'
import { waitingConnection } from '../src/nodes/waiting-connection.ts'

const log: Log = { debug() {}, info() {}, warn() {}, error() {} }

const FOLLOWING = { kind: 'following', access: { tls: false } } as const

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
      open: (where) => connect({ ...FOLLOWING, where, onMove: () => () => {} }, 'worker', { log }),
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
      open: (where) => connect({ ...FOLLOWING, where, onMove: () => () => {} }, 'worker', { log }),
    })
    await expect(redis.bzpopmin('{0}:marker', 0)).rejects.toThrow('MOVED')
    const waiting = redis.bzpopmin('{0}:marker', 0)
    await primary.command('ZADD', '{0}:marker', '0', 'found')
    expect(await waiting).toEqual(['{0}:marker', 'found', '0'])
  })

  test('of a node that stands still goes on at the next one, also where BullMQ has ended it and connected it again', async () => {
    const primary = await cluster.redis.ownerOfKey('{0}')
    const [replica] = await cluster.redis.replicasOf(primary)
    let owner = `127.0.0.1:${replica?.clientPort}`
    const listeners = new Set<() => void>()
    const onMove = (listener: () => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
    redis = waitingConnection({
      owner: () => owner,
      moved: () => {},
      open: (where) => connect({ ...FOLLOWING, where, onMove }, 'worker', { log }),
    })
    const again = redis
    await new Promise((resolve) => again.once('ready', resolve))
    replica?.freeze()
    try {
      again.disconnect()
      await new Promise((resolve) => again.once('end', resolve))
      const connected = new Promise((resolve) => again.once('connect', resolve))
      again.connect().catch(() => {})
      await connected
      const waiting = again.bzpopmin('{0}:marker', 0)
      owner = `127.0.0.1:${primary.clientPort}`
      for (const listener of [...listeners]) listener()
      // Long before the connection is cut because nothing comes over it.
      await eventually(() => expect(again.status).toBe('ready'))
      await primary.command('ZADD', '{0}:marker', '0', 'found')
      expect(await waiting).toEqual(['{0}:marker', 'found', '0'])
    } finally {
      replica?.thaw()
    }
  })
})
