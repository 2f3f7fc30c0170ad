import { eventually, startTestCluster, type TestCluster, timed } from '@timers/lab'
import { createTimerConsumer, type TimerConsumer } from '../src/consumer/timer-consumer.ts'
import { addShards } from '../src/shards/add-shards.ts'
import { createRedisTimerStore, type RedisTimerStore } from '../src/timers/timer-store.ts'
import { delivered, draft, fired } from './rig.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }
/** A second of looks at empty hands, and a busy machine. */
const STOPPED_WITHIN_MS = 5_000

describe('a consumer on a cluster stops with empty hands', () => {
  let cluster: TestCluster
  let store: RedisTimerStore
  let consumer: TimerConsumer
  let sent: Set<number>

  beforeAll(async () => {
    cluster = await startTestCluster({ replicas: 0 })
  })
  afterAll(() => cluster.stop())
  beforeEach(async () => {
    const options = { redisUrl: cluster.url, shards: 6, log }
    sent = new Set()
    store = createRedisTimerStore(options)
    consumer = createTimerConsumer({
      ...options,
      concurrency: 12,
      retentionDays: 1,
      handle: async (due) => {
        const claim = await due.claim()
        if (claim.kind !== 'granted') return
        sent.add(due.timer.id)
        await due.settle(claim.attempt, delivered(), fired)
      },
    })
    await consumer.start()
    await eventually(() => expect(store.health()).toMatchObject({ ready: true, problems: [] }), {
      timeoutMs: 10_000,
    })
    await allFire()
  })
  afterEach(async () => {
    await consumer.stop()
    await store.close()
    for (const node of cluster.redis.nodes) await node.start()
    await cluster.redis.healthy()
    await cluster.redis.flush()
  })

  /** One of each shard; and then all hands are empty: what is in hand is settled before a consumer has stopped, however long. */
  async function allFire(shards = 6): Promise<void> {
    const ids = await Promise.all(
      Array.from({ length: shards }, async () => (await store.create(draft(1))).id),
    )
    await eventually(() => expect(ids.filter((id) => !sent.has(id))).toEqual([]), { timeoutMs: 15_000 })
    await eventually(() => expect(consumer.inFlight).toBe(0))
  }

  /** And nothing of it goes on. */
  async function stops(): Promise<void> {
    const { tookMs } = await timed(() => consumer.stop())
    expect(tookMs).toBeLessThan(STOPPED_WITHIN_MS)
    await store.close()
    for (const node of cluster.redis.nodes) await node.start()
    await cluster.redis.healthy()
    await eventually(async () => {
      for (const node of cluster.redis.nodes) {
        expect(String(await node.command('CLIENT', 'LIST'))).not.toContain('name=timers-')
      }
    })
  }

  test('while a node is away', async () => {
    await cluster.redis.nodes[0]?.kill()
    await eventually(() => expect(store.health().problems).not.toEqual([]))
    await stops()
  })

  test('while all of it is away', async () => {
    await cluster.redis.kill()
    await eventually(() => expect(store.health().ready).toBe(false))
    await stops()
  })

  test('after a node was away, and shards were added meanwhile', async () => {
    await cluster.redis.nodes[0]?.kill()
    await eventually(() => expect(store.health().problems).not.toEqual([]))
    const growing = addShards({ redisUrl: cluster.url, shards: 6, log }, 9, () => {})
    await cluster.redis.nodes[0]?.start()
    await growing
    await allFire(9)
    await cluster.redis.nodes[1]?.kill()
    await eventually(() => expect(store.health().problems).not.toEqual([]))
    await stops()
  })
})
