import { type HealthServer, type Readiness, startHealthServer } from './health-server.ts'
import { createMetrics } from './metrics.ts'

describe('startHealthServer', () => {
  let server: HealthServer
  let state: Readiness = { ready: true, problems: [], advice: [] }

  beforeEach(async () => {
    const metrics = createMetrics('example')
    metrics.counter('timers_things_total', 'Things').inc(3)
    server = await startHealthServer({ host: '127.0.0.1', port: 0, readiness: () => state, metrics })
  })
  afterEach(() => server.close())

  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`)
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      text: await response.text(),
    }
  }

  test('/healthz: alive, also when not ready', async () => {
    state = { ready: false, problems: ['stopping'], advice: [] }
    expect(await get('/healthz')).toEqual({ status: 200, type: 'application/json', text: '{"status":"ok"}' })
  })

  test('/readyz: 200 with advice, 503 with the reasons', async () => {
    state = { ready: true, problems: ['hz is 10'], advice: ['no replica is connected'] }
    const ready = await get('/readyz')
    expect(ready.status).toBe(200)
    expect(JSON.parse(ready.text)).toEqual({
      status: 'ready',
      problems: ['hz is 10'],
      advice: ['no replica is connected'],
    })
    state = { ready: false, problems: ['Redis cannot be reached'], advice: [] }
    const notReady = await get('/readyz')
    expect(notReady.status).toBe(503)
    expect(JSON.parse(notReady.text)).toEqual({
      status: 'not ready',
      problems: ['Redis cannot be reached'],
      advice: [],
    })
  })

  test('/metrics: for Prometheus, with the service as a label', async () => {
    const { status, type, text } = await get('/metrics')
    expect(status).toBe(200)
    expect(type).toMatch(/^text\/plain/)
    expect(text).toContain('timers_things_total{service="example"} 3')
  })

  test('anything else: 404', async () => {
    expect((await get('/')).status).toBe(404)
  })

  test('close ends connections that are kept open', async () => {
    await get('/healthz')
    await server.close()
    await expect(get('/healthz')).rejects.toThrow()
  })

  test('a port that is taken is an error of start', async () => {
    const again = startHealthServer({
      host: '127.0.0.1',
      port: server.port,
      readiness: () => state,
      metrics: createMetrics('other'),
    })
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
