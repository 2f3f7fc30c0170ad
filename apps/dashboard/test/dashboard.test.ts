import { eventually, startTestRedis, type TestRedis, timed } from '@timers/lab'
import { addShards, createRedisTimerStore, type RedisTimerStore } from '@timers/queue'
import { createLogger } from '@timers/runtime'
import { basic, PASSWORD, startDashboard, type TestDashboard, USER } from './dashboard-bed.ts'

const SHARDS = 2
/** A shard, as the board's addresses have it. */
const QUEUE = encodeURIComponent('shard 0')

let redis: TestRedis

describe('the dashboard', () => {
  let store: RedisTimerStore
  let dashboard: TestDashboard
  const ids: number[] = []
  const dueAt: number[] = []
  const nameOf = (index: number) => `timer ${ids[index]}, due ${new Date(dueAt[index] ?? 0).toISOString()}`

  beforeAll(async () => {
    redis = await startTestRedis()
    const log = createLogger({ service: 'test', level: 'silent' })
    store = createRedisTimerStore({ redisUrl: redis.url, shards: SHARDS, log })
    await eventually(() => expect(store.health().ready).toBe(true))
    for (let count = 0; count < 4; count += 1) {
      const timer = await store.create({ url: `https://example.com/${count}?token=x`, delayMs: 60_000 })
      ids.push(timer.id)
      dueAt.push(timer.dueAt)
    }
    dashboard = startDashboard({ redisUrl: redis.url, shards: SHARDS })
    await eventually(async () => expect((await dashboard.get('/readyz')).statusCode).toBe(200))
  })

  afterAll(async () => {
    await dashboard?.close()
    await store?.close()
    await redis?.stop()
  })

  it('lists every shard with its timers, in readable words', async () => {
    const reply = await dashboard.get(`/api/queues?activeQueue=${QUEUE}&status=delayed&page=1&jobsPerPage=10`)
    expect(reply.statusCode).toBe(200)
    const { queues } = reply.json()
    expect(queues.map((queue: { name: string }) => queue.name)).toEqual(['shard 0', 'shard 1'])
    for (const queue of queues) {
      expect(queue).toMatchObject({ readOnlyMode: true, allowRetries: false, counts: { delayed: 2 } })
    }
    const [first] = ids
    expect(queues[0].jobs).toContainEqual(
      expect.objectContaining({
        id: `t${first}`,
        name: nameOf(0),
        data: { url: 'https://example.com/0?token=x' },
      }),
    )
  })

  it('shows one timer', async () => {
    const reply = await dashboard.get(`/api/queues/${QUEUE}/t${ids[0]}`)
    expect(reply.statusCode).toBe(200)
    expect(reply.json()).toMatchObject({ status: 'delayed', job: { name: nameOf(0) } })
  })

  it('shows when a timer is due that was moved', async () => {
    const [, , id = 0] = ids
    const moved = await store.change(id, { due: { delayMs: 7_200_000 } })
    const { job } = (await dashboard.get(`/api/queues/${QUEUE}/t${id}`)).json()
    const movedTo = moved?.dueAt ?? 0
    expect(movedTo).toBeGreaterThan((dueAt[2] ?? 0) + 7_000_000)
    expect(job.timestamp + job.delay).toBe(movedTo)
    expect(job.name).toBe(`timer ${id}, due ${new Date(movedTo).toISOString()}`)
  })

  it.each(['/', '/queue/shard%200', '/queue/shard%200/t1'])(
    'serves its page at %s, from nowhere else',
    async (url) => {
      const reply = await dashboard.get(url)
      expect(reply.statusCode).toBe(200)
      expect(reply.headers['content-type']).toBe('text/html; charset=utf-8')
      expect(reply.payload).toContain('<title>Timers</title>')
      expect(reply.payload.match(/(?:href|src)="[^"]*"/g)).toEqual(
        expect.arrayContaining([expect.stringMatching(/^src="static\/js\//)]),
      )
      expect(reply.payload).not.toMatch(/(?:href|src)="(?:https?:)?\/\//)
      expect(reply.headers).toMatchObject({
        'content-security-policy': expect.stringContaining("default-src 'none'; script-src 'self';"),
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      })
    },
  )

  it('serves what the page asks for', async () => {
    const page = (await dashboard.get('/')).payload
    const assets = [...page.matchAll(/(?:href|src)="(static\/[^"]+)"/g)].map(([, path]) => `/${path}`)
    expect(assets.length).toBeGreaterThan(3)
    for (const asset of assets) {
      expect([asset, (await dashboard.get(asset)).statusCode]).toEqual([asset, 200])
    }
  })

  describe('without the right login', () => {
    it.each([
      '/',
      '/queue/shard%200',
      '/api/queues',
      '/api/redis/stats',
      '/static/favicon.ico',
      '/nowhere',
      '/healthz/x',
      '/readyz/../api/queues',
    ])('%s is 401', async (path) => {
      const reply = await dashboard.get(path, null)
      expect(reply.statusCode).toBe(401)
      expect(reply.headers['www-authenticate']).toBe('Basic realm="Timers", charset="UTF-8"')
      expect(reply.headers['content-type']).toBe('application/problem+json')
      expect(reply.headers['x-frame-options']).toBe('DENY')
      expect(reply.payload).not.toMatch(/example\.com|Bull/)
    })

    it.each([
      ['another password', basic(USER, 'password')],
      ['another user', basic('admin', PASSWORD)],
      ['no password', basic(USER, '')],
      ['another scheme', 'Bearer abc'],
      ['garbage', 'Basic ???'],
      ['an empty header', ''],
    ])('%s is refused, and the log does not hold it', async (_name, authorization) => {
      const from = dashboard.logs.length
      expect((await dashboard.get('/api/queues', authorization)).statusCode).toBe(401)
      const lines = dashboard.logs.slice(from)
      expect(lines).toEqual([expect.objectContaining({ level: 40, msg: 'login refused', ip: '127.0.0.1' })])
      if (authorization !== '') expect(JSON.stringify(lines)).not.toContain(authorization)
    })

    it.each(['/healthz', '/readyz'])('%s is open', async (path) => {
      const reply = await dashboard.get(path, null)
      expect(reply.statusCode).toBe(200)
      expect(reply.payload).not.toContain('example.com')
    })
  })

  it('changes nothing, whoever asks', async () => {
    const [id] = ids
    const changes = [
      ['PUT', `/api/queues/${QUEUE}/pause`],
      ['PUT', '/api/queues/pause'],
      ['PUT', `/api/queues/${QUEUE}/empty`],
      ['PUT', `/api/queues/${QUEUE}/obliterate`],
      ['PUT', `/api/queues/${QUEUE}/promote`],
      ['PUT', `/api/queues/${QUEUE}/clean/delayed`],
      ['PUT', `/api/queues/${QUEUE}/t${id}/promote`],
      ['PUT', `/api/queues/${QUEUE}/t${id}/clean`],
      ['PUT', `/api/queues/${QUEUE}/t${id}/retry`],
      ['PATCH', `/api/queues/${QUEUE}/t${id}/update-data`],
      ['PATCH', `/api/queues/${QUEUE}/t${id}/delay`],
      ['POST', `/api/queues/${QUEUE}/add`],
      ['DELETE', '/'],
    ] as const
    for (const [method, url] of changes) {
      const reply = await dashboard.send(method, url)
      expect([url, reply.statusCode, reply.headers.allow]).toEqual([url, 405, 'GET, HEAD'])
    }
    expect(await store.find(id ?? 0)).toMatchObject({ status: 'pending', dueAt: dueAt[0] })
  })

  it('answers an unknown path with 404', async () => {
    const reply = await dashboard.get('/nowhere')
    expect(reply.statusCode).toBe(404)
    expect(reply.headers['content-type']).toBe('application/problem+json')
  })

  it('shows shards that were added while it ran', async () => {
    const log = createLogger({ service: 'test', level: 'silent' })
    await addShards({ redisUrl: redis.url, shards: SHARDS, log }, SHARDS + 1, () => {})
    await eventually(async () => {
      const { queues } = (await dashboard.get('/api/queues')).json()
      expect(queues.map((queue: { name: string }) => queue.name)).toEqual(['shard 0', 'shard 1', 'shard 2'])
    })
  })
})

describe('while Redis is away', () => {
  let dashboard: TestDashboard | undefined

  beforeEach(async () => {
    redis = await startTestRedis()
  })

  afterEach(async () => {
    await dashboard?.close()
    dashboard = undefined
    await redis.stop()
  })

  async function expect503(): Promise<void> {
    const reply = await dashboard?.get('/api/queues')
    expect(reply?.statusCode).toBe(503)
    expect(reply?.headers['content-type']).toBe('application/problem+json')
    expect(reply?.headers['retry-after']).toBe('1')
    expect(reply?.json()).toMatchObject({ status: 503, detail: 'Redis cannot be reached at the moment' })
  }

  const expect200 = () =>
    eventually(async () => expect((await dashboard?.get('/api/queues'))?.statusCode).toBe(200), {
      timeoutMs: 10_000,
    })

  it('answers 503, also when it was started so, serves its page, and recovers', async () => {
    await redis.shutDown()
    dashboard = startDashboard({ redisUrl: redis.url, shards: SHARDS })
    await expect503()
    expect((await dashboard.get('/')).statusCode).toBe(200)
    const ready = await dashboard.get('/readyz')
    expect(ready.statusCode).toBe(503)
    expect(ready.json().detail).toBe('Redis cannot be reached')

    await redis.restart()
    await expect200()

    await redis.kill()
    await expect503()
    await redis.restart()
    await expect200()
  })

  it('answers 503 within five seconds when Redis hangs, and recovers', async () => {
    dashboard = startDashboard({ redisUrl: redis.url, shards: SHARDS })
    await expect200()
    redis.pause()
    const { tookMs } = await timed(expect503)
    expect(tookMs).toBeLessThan(5_500)
    redis.resume()
    await expect200()
  })
})
