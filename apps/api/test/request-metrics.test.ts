import { stablePort, startTestRedis } from '@timers/lab'
import { startTestApi, type TestApi } from './test-api.ts'

let api: TestApi

beforeEach(async () => {
  api = await startTestApi({ redisUrl: `redis://127.0.0.1:${await stablePort()}` })
})

afterEach(async () => {
  await api.close()
})

describe('/metrics of requests', () => {
  it('tells durations by route and class of status, from 0 on, and never a path that a stranger chose', async () => {
    const durations = async () => (await api.app.inject('/metrics')).payload
    const counts = (text: string, labels: string) =>
      new RegExp(
        `^timers_http_request_duration_seconds_count\\{service="api",${labels}\\} (\\d+)$`,
        'm',
      ).exec(text)?.[1]
    const before = await durations()
    expect(counts(before, 'method="POST",route="/timers",status="5xx"')).toBe('0')
    expect(counts(before, 'method="any",route="unmatched",status="4xx"')).toBe('0')
    expect(before).toMatch(/^timers_api_problems_total\{code="NOT_READY",service="api"\} 0$/m)
    for (const name of ['creates_replayed', 'cancels', 'changes', 'fired_now', 'redrives', 'resolved']) {
      expect(before).toMatch(new RegExp(`^timers_${name}_total\\{service="api"\\} 0$`, 'm'))
    }
    expect(before).toMatch(/^timers_build_info\{version=".+",node=".+",service="api"\} 1$/m)

    await api.app.inject('/secret-path')
    await api.app.inject({ method: 'HEAD', url: '/timers/7' })
    await api.app.inject({ method: 'PURGE' as 'GET', url: '/timers' })
    await api.app.inject('/timers/7')
    await api.app.inject({ method: 'POST', url: '/timers', payload: {} })
    const after = await durations()
    expect(counts(after, 'method="any",route="unmatched",status="4xx"')).toBe('2')
    expect(counts(after, 'method="GET",route="/timers/:id",status="5xx"')).toBe('1')
    expect(counts(after, 'method="HEAD",route="/timers/:id",status="5xx"')).toBe('1')
    expect(counts(after, 'method="POST",route="/timers",status="4xx"')).toBe('1')
    expect(after).not.toMatch(/secret-path|PURGE/)
  })

  it('tell creates of 0.5 ms from those of 1 ms', async () => {
    const redis = await startTestRedis()
    const ready = await startTestApi({ redisUrl: redis.url })
    await ready.ready()
    await ready.app.inject({
      method: 'POST',
      url: '/timers',
      payload: { seconds: 60, url: 'https://example.com' },
    })
    const text = (await ready.app.inject('/metrics')).payload
    await ready.close()
    await redis.stop()
    expect(text).toMatch(/^timers_create_duration_seconds_bucket\{le="0\.0005",service="api"\} \d$/m)
    expect(text).toMatch(/^timers_create_duration_seconds_bucket\{le="2\.5",service="api"\} 1$/m)
  })
})
