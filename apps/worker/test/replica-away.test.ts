import { eventually, type Receiver, startReceiver, startTestCluster, type TestCluster } from '@timers/lab'
import { createRedisTimerStore, type RedisTimerStore } from '@timers/queue'
import { createLogger, parseSettings, type Service } from '@timers/runtime'
import { buildWorker } from '../src/build-worker.ts'
import { workerSettings } from '../src/settings.ts'

const SHARDS = 6
const PER_SHARD = 4
/** Fewer than come due in one shard. */
const MOST_AT_A_TIME = 3
/** They come one after the other, and nobody knows the receiver yet. */
const BUSY = { timeoutMs: 20_000 }

describe('a worker that waits for the replicas of one primary', () => {
  let cluster: TestCluster
  let receiver: Receiver
  let store: RedisTimerStore
  let worker: Service
  const log = createLogger({ service: 'worker', level: 'silent' })

  beforeAll(async () => {
    ;[cluster, receiver] = await Promise.all([startTestCluster(), startReceiver()])
    const settings = parseSettings(workerSettings, {
      REDIS_URL: cluster.url,
      REDIS_REPLICA_ACKS: '1',
      TIMER_SHARDS: String(SHARDS),
      DELIVERY_ALLOW_CIDRS: '127.0.0.0/8',
      DELIVERY_MAX_PER_ORIGIN: String(MOST_AT_A_TIME),
    })
    // Whoever creates waits for no replica.
    store = createRedisTimerStore({ redisUrl: cluster.url, shards: SHARDS, log })
    worker = buildWorker(settings, { logger: log })
    await worker.start()
    await eventually(() => expect(store.health().ready).toBe(true))
  }, 30_000)
  afterAll(async () => {
    await worker?.stop()
    await store?.close()
    await receiver?.close()
    await cluster?.stop()
  })

  /** Timers to the one receiver, as many in each shard. */
  const schedule = (delayMs: number) =>
    Promise.all(
      Array.from({ length: SHARDS * PER_SHARD }, () => store.create({ url: receiver.hookUrl, delayMs })),
    )
  const shardOf = ({ id }: { readonly id: number }) => (id - 1) % SHARDS
  const sent = () => receiver.countById()

  test('sends what the other primaries have, also to a receiver for which all that waits is, and that in its turn after', async () => {
    const primary = await cluster.redis.ownerOfKey('timers:{0}:x')
    const owners = await Promise.all(
      Array.from({ length: SHARDS }, (_, shard) => cluster.redis.ownerOfKey(`timers:{${shard}}:x`)),
    )
    const replicas = await cluster.redis.replicasOf(primary)
    for (const replica of replicas) replica.freeze()
    try {
      const timers = await schedule(1_000)
      const waits = timers.filter((timer) => owners[shardOf(timer)] === primary)
      const others = timers.filter((timer) => owners[shardOf(timer)] !== primary)
      expect(waits.length).toBeGreaterThan(MOST_AT_A_TIME)
      const claimOf = ({ id }: { readonly id: number }) =>
        primary.command('HGET', `timers:{${shardOf({ id })}}:t${id}`, 'ca')
      await eventually(async () => {
        const claims = await Promise.all(waits.map(claimOf))
        expect(claims.filter((claim) => claim !== null).length).toBeGreaterThanOrEqual(MOST_AT_A_TIME)
      }, BUSY)
      // Others of the same receiver, that come due while all its places would be taken.
      const later = (await schedule(100)).filter((timer) => owners[shardOf(timer)] !== primary)
      for (const { id } of [...others, ...later]) await eventually(() => expect(sent().get(id)).toBe(1), BUSY)
      for (const { id } of waits) expect(sent().get(id)).toBeUndefined()
      for (const replica of replicas) replica.thaw()
      for (const { id } of waits) {
        await eventually(async () => {
          expect(await store.find(id)).toMatchObject({ status: 'fired', attempts: 1 })
          expect(sent().get(id)).toBe(1)
        }, BUSY)
      }
    } finally {
      for (const replica of replicas) replica.thaw()
    }
  })
})
