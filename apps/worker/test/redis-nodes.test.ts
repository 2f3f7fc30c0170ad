import {
  eventually,
  type Receiver,
  stablePort,
  startReceiver,
  startTestCluster,
  startTestSentinel,
} from '@timers/lab'
import { createRedisTimerStore, type RedisTimerStore } from '@timers/queue'
import { createLogger, parseSettings, type Service } from '@timers/runtime'
import { buildWorker } from '../src/build-worker.ts'
import { workerSettings } from '../src/settings.ts'

const SHARDS = 6
const TIMERS = 24

describe.each([
  ['a cluster', () => startTestCluster(), 3],
  ['Sentinels', () => startTestSentinel({ minReplicasToWrite: 1 }), 1],
] as const)('a worker on %s', (_kind, startNodes, primaries) => {
  let redis: Awaited<ReturnType<typeof startNodes>>
  let receiver: Receiver
  let store: RedisTimerStore
  let worker: Service
  let url: string
  const log = createLogger({ service: 'worker', level: 'silent' })

  beforeAll(async () => {
    ;[redis, receiver] = await Promise.all([startNodes(), startReceiver()])
    const port = await stablePort()
    url = `http://127.0.0.1:${port}`
    const settings = parseSettings(workerSettings, {
      REDIS_URL: redis.url,
      REDIS_REPLICA_ACKS: '1',
      TIMER_SHARDS: String(SHARDS),
      HOST: '127.0.0.1',
      HEALTH_PORT: String(port),
      DELIVERY_ALLOW_CIDRS: '127.0.0.0/8',
    })
    store = createRedisTimerStore({ redisUrl: redis.url, shards: SHARDS, replicaAcks: 1, log })
    worker = buildWorker(settings, { logger: log })
    await worker.start()
    await eventually(async () => {
      expect(store.health()).toMatchObject({ ready: true, problems: [] })
      expect(await readyz()).toMatchObject({ status: 'ready', problems: [] })
    })
  }, 30_000)
  afterAll(async () => {
    await worker?.stop()
    await store?.close()
    await receiver?.close()
    await redis?.stop()
  })

  const readyz = async () => (await fetch(`${url}/readyz`)).json()
  async function samples(name: string): Promise<number[]> {
    const text = await (await fetch(`${url}/metrics`)).text()
    return [...text.matchAll(new RegExp(`^${name}\\{.*\\} (.+)$`, 'gm'))].map(([, value]) => Number(value))
  }

  test('fires the timers of every shard, once', async () => {
    const create = () => store.create({ url: receiver.hookUrl, delayMs: 200 })
    const timers = await Promise.all(Array.from({ length: TIMERS }, create))
    await receiver.waitFor((requests) => requests.length >= TIMERS)
    const expected = timers.map(({ id }) => [id, 1] as const)
    expect(new Map([...receiver.countById()].map(([id, count]) => [Number(id), count]))).toEqual(
      new Map(expected),
    )
    for (const { id } of timers) {
      await eventually(async () => expect(await store.find(id)).toMatchObject({ status: 'fired' }))
    }
  })

  test('tells of each primary what it has', async () => {
    expect(await samples('timers_redis_up')).toEqual(Array(primaries).fill(1))
    expect(await samples('timers_redis_replicas')).toEqual(Array(primaries).fill(1))
    const shards = await samples('timers_redis_shards')
    expect(shards.reduce((a, b) => a + b, 0)).toBe(SHARDS)
  })

  test('all of it away: not ready, and every node by name', async () => {
    await redis.redis.kill()
    await eventually(async () => {
      const answer = await fetch(`${url}/readyz`)
      expect(answer.status).toBe(503)
      const { problems } = (await answer.json()) as { problems: string[] }
      expect(problems.filter((problem) => problem.endsWith('Redis cannot be reached'))).toHaveLength(
        primaries,
      )
    })
    expect(await samples('timers_redis_up')).toEqual(Array(primaries).fill(0))
  })
})
