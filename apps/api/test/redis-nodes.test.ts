import {
  eventually,
  startTestCluster,
  startTestSentinel,
  type TestCluster,
  type TestSentinel,
} from '@timers/lab'
import { startTestApi, type TestApi } from './test-api.ts'

const SHARDS = 6
const TIMER = { hours: 1, url: 'https://example.com/', labels: ['order-7'] }

/** What a client does in a day, over all shards. */
async function expectService({ app }: TestApi): Promise<void> {
  const created = await Promise.all(
    Array.from({ length: 2 * SHARDS }, () => app.inject({ method: 'POST', url: '/timers', payload: TIMER })),
  )
  expect(created.map(({ statusCode }) => statusCode)).toEqual(created.map(() => 201))
  const ids: number[] = created.map((reply) => reply.json().id)
  expect(new Set(ids.map((id) => (id - 1) % SHARDS)).size).toBe(SHARDS)
  for (const id of ids) {
    expect((await app.inject(`/timers/${id}`)).json()).toMatchObject({ id, status: 'pending' })
  }
  const items = ids.map((id) => ({ hours: 1, url: 'https://example.com/', key: `of-${id}` }))
  const batch = await app.inject({ method: 'POST', url: '/timers/batch', payload: { timers: items } })
  expect(batch.json().results.map(({ status }: { status: number }) => status)).toEqual(ids.map(() => 201))
  const url = `/timers/by-key/of-${ids[0]}`
  expect((await app.inject({ method: 'PATCH', url, payload: { hours: 2 } })).statusCode).toBe(200)
  expect((await app.inject({ method: 'DELETE', url })).json()).toMatchObject({ status: 'cancelled' })
  const listed = await app.inject('/timers?label=order-7&status=pending&limit=100')
  expect(
    listed
      .json()
      .timers.map(({ id }: { id: number }) => id)
      .sort(),
  ).toEqual([...ids].sort())
  const cancelled = await app.inject({
    method: 'POST',
    url: '/timers/cancel',
    payload: { filter: { label: 'order-7' } },
  })
  expect(cancelled.json()).toMatchObject({ done: ids.length })
  expect((await app.inject('/stats')).statusCode).toBe(200)
  expect((await app.inject('/forecast')).statusCode).toBe(200)
}

const readyOf = async ({ app }: TestApi) => {
  const reply = await app.inject('/readyz')
  return { status: reply.statusCode, ...reply.json() }
}

async function samples({ app }: TestApi, name: string): Promise<number[]> {
  const { payload } = await app.inject('/metrics')
  return [...payload.matchAll(new RegExp(`^${name}\\{.*\\} (.+)$`, 'gm'))].map(([, value]) => Number(value))
}

describe('the API on a cluster', () => {
  let cluster: TestCluster
  let api: TestApi

  beforeAll(async () => {
    cluster = await startTestCluster()
    const env = { TIMER_SHARDS: String(SHARDS), REDIS_REPLICA_ACKS: '1' }
    api = await startTestApi({ redisUrl: cluster.url, env })
    await api.ready()
    await eventually(async () => expect(await readyOf(api)).toMatchObject({ status: 'ready', problems: [] }))
  }, 30_000)
  afterAll(async () => {
    await api?.close()
    await cluster?.stop()
  })

  test('does all that it does on one Redis', () => expectService(api))

  test('tells of each primary what it has', async () => {
    expect(await samples(api, 'timers_redis_up')).toEqual([1, 1, 1])
    expect((await samples(api, 'timers_redis_shards')).sort()).toEqual([1, 2, 3])
    expect(await samples(api, 'timers_redis_replicas')).toEqual([1, 1, 1])
    expect(await samples(api, 'timers_redis_replica_lag_bytes')).toHaveLength(3)
    expect(await samples(api, 'timers_redis_aof_enabled')).toEqual([1, 1, 1])
    for (const bytes of await samples(api, 'timers_redis_memory_used_bytes'))
      expect(bytes).toBeGreaterThan(1e6)
  })

  test('one primary away for good: ready, with the one that is away by name, and creates go on; then all: not ready', async () => {
    const [lost, ...others] = await cluster.redis.primaries()
    for (const node of [...(lost ? await cluster.redis.replicasOf(lost) : []), lost]) await node?.kill()
    const name = `127.0.0.1:${lost?.clientPort}`
    await eventually(
      async () => {
        const { status, problems } = await readyOf(api)
        expect(status).toBe('ready')
        expect(problems).toContain(`${name}: Redis cannot be reached`)
      },
      { timeoutMs: 10_000 },
    )
    expect((await samples(api, 'timers_redis_up')).sort()).toEqual([0, 1, 1])
    expect(await samples(api, 'timers_redis_memory_used_bytes')).toHaveLength(2)

    // What has no place of its own goes to the shards that are there; who looks at all shards is told that some are away.
    const { app } = api
    const create = () => app.inject({ method: 'POST', url: '/timers', payload: TIMER })
    const created = await Promise.all(Array.from({ length: 2 * SHARDS }, create))
    expect(created.map(({ statusCode }) => statusCode)).toEqual(created.map(() => 201))
    for (const url of ['/timers', '/stats', '/forecast']) {
      expect([url, (await app.inject(url)).statusCode]).toEqual([url, 503])
    }

    for (const node of others) await node.kill()
    await eventually(async () => {
      expect(await readyOf(api)).toMatchObject({ status: 503, code: 'NOT_READY' })
      const { problems } = await readyOf(api)
      expect(problems.filter((each: string) => each.endsWith('Redis cannot be reached'))).toHaveLength(3)
    })
    expect(await samples(api, 'timers_ready')).toEqual([0])
    expect(await samples(api, 'timers_redis_up')).toEqual([0, 0, 0])
  })
})

describe('the API under Sentinels', () => {
  let sentinel: TestSentinel
  let api: TestApi

  beforeAll(async () => {
    sentinel = await startTestSentinel({ minReplicasToWrite: 1 })
    const env = { TIMER_SHARDS: String(SHARDS), REDIS_REPLICA_ACKS: '1' }
    api = await startTestApi({ redisUrl: sentinel.url, env })
    await api.ready()
  }, 30_000)
  afterAll(async () => {
    await api?.close()
    await sentinel?.stop()
  })

  test('does all that it does on one Redis, before and after a failover', async () => {
    await expectService(api)
    await sentinel.redis.failover()
    await eventually(
      async () => expect(await readyOf(api)).toMatchObject({ status: 'ready', problems: [] }),
      {
        timeoutMs: 15_000,
      },
    )
    await expectService(api)
    expect(await samples(api, 'timers_redis_up')).toEqual([1])
    expect(await samples(api, 'timers_redis_shards')).toEqual([SHARDS])
  })
})
