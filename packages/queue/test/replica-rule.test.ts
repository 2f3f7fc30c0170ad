import type { Log } from '@timers/core'
import { eventually, startTestCluster, startTestRedis, startTestSentinel } from '@timers/lab'
import { createRedisTimerStore, type RedisTimerStore } from '../src/timers/timer-store.ts'

const QUIET: Log = { debug() {}, info() {}, warn() {}, error() {} }

describe('what readiness says of replicas', () => {
  const closers: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  async function health(redisUrl: string, replicaAcks: number) {
    const store: RedisTimerStore = createRedisTimerStore({ redisUrl, shards: 1, replicaAcks, log: QUIET })
    try {
      // Any answer of a check: before it there is no advice, and Redis "cannot be reached".
      await eventually(() => expect(store.health().clockSkewMs).toBeDefined())
      return store.health()
    } finally {
      await store.close()
    }
  }

  test('one Redis without a replica is ready, and says what that means', async () => {
    const redis = await startTestRedis()
    closers.push(() => redis.stop())
    expect(await health(redis.url, 0)).toMatchObject({
      ready: true,
      problems: [],
      advice: [expect.stringMatching(/^no replica is connected/)],
    })
    expect(await health(redis.url, 1)).toMatchObject({
      ready: false,
      problems: [expect.stringMatching(/creates and changes are refused/)],
    })
  })

  test('under Sentinels, acks that cover not all replicas are a problem, and those that do are none', async () => {
    const sentinel = await startTestSentinel({ replicas: 2, minReplicasToWrite: 1 })
    closers.push(() => sentinel.stop())
    expect(await health(sentinel.url, 2)).toMatchObject({ ready: true, problems: [], advice: [] })
    expect(await health(sentinel.url, 1)).toMatchObject({
      ready: true,
      problems: [expect.stringMatching(/is 1 with 2 replicas connected: acks must cover every replica/)],
    })
    expect(await health(sentinel.url, 0)).toMatchObject({
      ready: true,
      problems: [],
      advice: [expect.stringMatching(/is 0 with 2 replicas connected: a failover may lose/)],
    })
  })

  test('on a cluster, the same', async () => {
    const cluster = await startTestCluster({ primaries: 1, replicas: 1 })
    closers.push(() => cluster.stop())
    expect(await health(cluster.url, 1)).toMatchObject({ ready: true, problems: [], advice: [] })
    expect(await health(cluster.url, 2)).toMatchObject({
      ready: false,
      problems: [expect.stringMatching(/is 2 with 1 replica connected: creates and changes are refused/)],
    })
  })
})
