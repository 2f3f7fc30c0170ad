import {
  eventually,
  startTestCluster,
  startTestSentinel,
  type TestCluster,
  type TestSentinel,
} from '@timers/lab'
import { createRedisTimerStore, type RedisOptions, type RedisTimerStore } from '@timers/queue'
import { createLogger } from '@timers/runtime'
import { startDashboard, type TestDashboard } from './dashboard-bed.ts'

const SHARDS = 6
const TIMERS = 24
const USER = { name: 'timers', password: 'p@ss/word', rules: ['~*', '&*', '+@all'] }

const log = createLogger({ service: 'test', level: 'silent' })
const nameOf = (shard: number) => encodeURIComponent(`shard ${shard}`)

/** All that the page of Bull Board asks for. */
async function expectEverything(dashboard: TestDashboard, ids: readonly number[]): Promise<void> {
  const json = async (url: string) => {
    const reply = await dashboard.get(url)
    expect([url, reply.statusCode]).toEqual([url, 200])
    return reply.json()
  }
  const seen: string[] = []
  for (let shard = 0; shard < SHARDS; shard += 1) {
    const queue = nameOf(shard)
    const listed = await json(`/api/queues?activeQueue=${queue}&status=delayed&page=1&jobsPerPage=100`)
    expect(listed.queues).toHaveLength(SHARDS)
    const { jobs, counts } = listed.queues[shard]
    expect(jobs).toHaveLength(counts.delayed)
    for (const { id } of jobs) {
      seen.push(id)
      expect(await json(`/api/queues/${queue}/${id}`)).toMatchObject({ status: 'delayed', job: { id } })
      expect(await json(`/api/queues/${queue}/${id}/logs`)).toEqual([])
      await json(`/api/queues/${queue}/${id}/flow`)
    }
    const latest = await json(`/api/queues?activeQueue=${queue}&status=latest&page=1&jobsPerPage=3`)
    expect(latest.queues[shard].jobs.length).toBeGreaterThan(0)
    for (const what of ['metrics', 'default-job-options', 'rate-limit', 'job-data-schema']) {
      await json(`/api/queues/${queue}/${what}`)
    }
  }
  expect(seen.sort()).toEqual(ids.map((id) => `t${id}`).sort())
  await json('/api/job-schedulers')
  expect(await json('/api/redis/stats')).toMatchObject({ version: expect.stringMatching(/^\d/) })
  expect((await dashboard.get('/')).payload).toContain('/nodes')
}

async function fill(redis: Omit<RedisOptions, 'log'>): Promise<{ store: RedisTimerStore; ids: number[] }> {
  const store = createRedisTimerStore({ ...redis, log })
  await eventually(() => expect(store.health()).toMatchObject({ ready: true, problems: [] }))
  const create = () => store.create({ url: 'https://example.com/', delayMs: 600_000 })
  const timers = await Promise.all(Array.from({ length: TIMERS }, create))
  return { store, ids: timers.map(({ id }) => id) }
}

const readyOf = (dashboard: TestDashboard) => dashboard.get('/readyz').then((reply) => reply.json())

/** The table of the page of the nodes: a line of cells for each. */
async function table(dashboard: TestDashboard): Promise<string[][]> {
  const { payload } = await dashboard.get('/nodes')
  const [, body = ''] = payload.split('<tbody>')
  return [...body.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, line = '']) =>
    [...line.matchAll(/<td>(.*?)<\/td>/g)].map(([, cell = '']) => cell.replace(/<[^>]+>/g, '')),
  )
}

describe('the dashboard of a cluster, with TLS and a user', () => {
  let cluster: TestCluster
  let store: RedisTimerStore
  let dashboard: TestDashboard
  let ids: number[]

  beforeAll(async () => {
    cluster = await startTestCluster({ tls: true, user: USER })
    const redis = { redisUrl: cluster.url, redisCaFile: cluster.caFile, shards: SHARDS }
    ;({ store, ids } = await fill(redis))
    dashboard = startDashboard(redis)
    await eventually(async () => {
      expect((await dashboard.get('/readyz')).statusCode).toBe(200)
      expect((await dashboard.get('/api/queues')).statusCode).toBe(200)
    })
  }, 30_000)
  afterAll(async () => {
    await dashboard?.close()
    await store?.close()
    await cluster?.stop()
  })

  test('Bull Board shows every shard on whichever node it is, with all that its page asks for', () =>
    expectEverything(dashboard, ids))

  test('a page of the nodes shows what each has', async () => {
    await eventually(async () => {
      const lines = await table(dashboard)
      expect(lines).toHaveLength(3)
      // As the slots of six shards lie on three primaries.
      expect(lines.map(([, , shards]) => shards).sort()).toEqual(['1', '2', '3'])
      for (const line of lines) {
        expect(line).toEqual([
          expect.stringMatching(/^127\.0\.0\.1:\d+$/),
          'ready',
          expect.any(String),
          '0',
          expect.stringMatching(/^[\d.]+ MiB \(no maxmemory\)$/),
          'on',
          expect.stringMatching(/^127\.0\.0\.1:\d+: \d+ bytes and \d s behind$/),
        ])
      }
    })
    expect((await dashboard.get('/nodes', null)).statusCode).toBe(401)
  })

  test('slots on their way are shown at both ends', async () => {
    const [from, to] = await cluster.redis.primaries()
    if (from === undefined || to === undefined) throw new Error('no primaries')
    const [slot = 0] = await cluster.redis.slotsOf(from)
    const move = await cluster.redis.beginMove([slot], to)
    try {
      await eventually(async () => {
        const moving = (await table(dashboard)).map(([, , , slots]) => slots)
        expect(moving.sort()).toEqual(['0', '1', '1'])
      })
    } finally {
      await move.finish()
    }
  })

  test('a primary that is away for good takes its own shards from the board, and nothing else', async () => {
    const [lost] = await cluster.redis.primaries()
    if (lost === undefined) throw new Error('no primaries')
    for (const replica of await cluster.redis.replicasOf(lost)) await replica.kill()
    await lost.kill()
    await eventually(
      async () => {
        expect(await readyOf(dashboard)).toMatchObject({
          status: 'ready',
          problems: expect.arrayContaining([`127.0.0.1:${lost.clientPort}: Redis cannot be reached`]),
        })
        const reply = await dashboard.get('/api/queues')
        expect(reply.statusCode).toBe(200)
        const { queues } = reply.json()
        expect(queues.length).toBeGreaterThanOrEqual(3)
        expect(queues.length).toBeLessThan(SHARDS)
        const states = (await table(dashboard)).map(([name, state]) => `${name} ${state}`)
        expect(states).toContain(`127.0.0.1:${lost.clientPort} away`)
        expect(states.filter((state) => state.endsWith(' ready'))).toHaveLength(2)
      },
      { timeoutMs: 10_000 },
    )
  })

  test('all of it away: 503, and the page of the nodes says so', async () => {
    await cluster.redis.kill()
    await eventually(async () => {
      expect((await dashboard.get('/readyz')).statusCode).toBe(503)
      expect((await dashboard.get('/api/queues')).statusCode).toBe(503)
    })
    expect((await table(dashboard)).map(([, state]) => state)).toEqual(['away', 'away', 'away'])
  })
})

describe('the dashboard under Sentinels', () => {
  let sentinel: TestSentinel
  let store: RedisTimerStore
  let dashboard: TestDashboard
  let ids: number[]

  beforeAll(async () => {
    sentinel = await startTestSentinel()
    const redis = { redisUrl: sentinel.url, shards: SHARDS }
    ;({ store, ids } = await fill(redis))
    dashboard = startDashboard(redis)
    await eventually(async () => expect((await dashboard.get('/readyz')).statusCode).toBe(200))
  }, 30_000)
  afterAll(async () => {
    await dashboard?.close()
    await store?.close()
    await sentinel?.stop()
  })

  test('Bull Board shows every shard, before and after a failover', async () => {
    await expectEverything(dashboard, ids)
    await sentinel.redis.failover()
    await eventually(() => expectEverything(dashboard, ids), { timeoutMs: 15_000 })
  })

  test('a page of the nodes shows the one that there is', async () => {
    await eventually(async () => {
      expect(await table(dashboard)).toEqual([
        ['redis', 'ready', String(SHARDS), '0', expect.stringContaining('MiB'), 'on', expect.any(String)],
      ])
    })
  })
})
