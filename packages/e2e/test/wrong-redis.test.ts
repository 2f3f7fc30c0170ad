import {
  type App,
  entryOf,
  eventually,
  type Service,
  spawnService,
  stablePort,
  startTestCluster,
  startTestRedis,
  type TestCluster,
  type TestRedis,
} from '@timers/lab'

const APPS = ['api', 'worker', 'dashboard'] as const

describe('a REDIS_URL of the wrong kind is told within seconds', () => {
  let redis: TestRedis
  let cluster: TestCluster
  let service: Service | undefined

  beforeAll(async () => {
    ;[redis, cluster] = await Promise.all([startTestRedis(), startTestCluster({ primaries: 1, replicas: 0 })])
  })
  afterAll(() => Promise.all([redis?.stop(), cluster?.stop()]))
  afterEach(async () => {
    if (service?.exit === undefined) await service?.kill('SIGKILL')
    service = undefined
  })

  async function start(app: App, redisUrl: string): Promise<string> {
    const port = await stablePort()
    service = spawnService({
      entry: entryOf(app),
      env: {
        REDIS_URL: redisUrl,
        HOST: '127.0.0.1',
        PORT: port,
        HEALTH_PORT: port,
        DASHBOARD_PORT: port,
        DASHBOARD_PASSWORD: 'e2e-password',
      },
    })
    return `http://127.0.0.1:${port}/readyz`
  }

  const said = () => service?.logs.map(({ msg }) => msg).join('\n')

  test.each(APPS)(
    '%s, one Redis taken for a cluster and the reverse: it stops, and says what to write',
    async (app) => {
      await start(app, cluster.url.replace('redis+cluster', 'redis'))
      expect(await service?.exited).toEqual({ code: 1, signal: null })
      expect(said()).toContain('write redis+cluster://host:port,host:port,... in REDIS_URL')
      await start(app, redis.url.replace('redis:', 'redis+cluster:'))
      expect(await service?.exited).toEqual({ code: 1, signal: null })
      expect(said()).toContain('write redis:// instead of redis+cluster:// in REDIS_URL')
    },
  )

  test.each(APPS)('%s, a Redis taken for a Sentinel: its log and /readyz say what to write', async (app) => {
    const readyUrl = await start(app, `redis+sentinel://127.0.0.1:${redis.port}/timers`)
    const words = 'REDIS_URL names no Sentinel: write redis:// for a single Redis'
    await eventually(
      async () => {
        const response = await fetch(readyUrl)
        expect(response.status).toBe(503)
        expect(await response.text()).toContain(words)
        expect(said()).toContain(words)
      },
      { timeoutMs: 15_000 },
    )
  })
})
