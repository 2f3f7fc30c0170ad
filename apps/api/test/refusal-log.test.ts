import { eventually, stablePort } from '@timers/lab'
import { startTestApi, type TestApi } from './test-api.ts'

let api: TestApi

beforeEach(async () => {
  api = await startTestApi({ redisUrl: `redis://127.0.0.1:${await stablePort()}` })
})

afterEach(async () => {
  await api.close()
})

const linesOf = (code: string) => api.logs.filter((line) => line.code === code)

describe('the log of refused requests', () => {
  it('grew by 10.7 MB a second from GETs of nothing: ten lines a second and one with the number of the rest', async () => {
    const startedAt = performance.now()
    for (let count = 0; count < 2_000; count += 1) await api.app.inject('/nowhere')
    const seconds = Math.ceil((performance.now() - startedAt) / 1_000) + 1
    const counted = () => {
      const lines = linesOf('NOT_FOUND')
      const rest = lines.filter((line) => line.msg === 'more of the same within a second, not logged')
      const left = rest.reduce((sum, line) => sum + Number(line.count), 0)
      return { whole: lines.length - rest.length, sums: rest.length, all: lines.length - rest.length + left }
    }
    await eventually(() => expect(counted().all).toBe(2_000))
    expect(counted().whole).toBeLessThanOrEqual(10 * seconds)
    expect(counted().sums).toBeLessThanOrEqual(seconds)
  })

  it('still has each kind, while another floods it', async () => {
    for (let count = 0; count < 100; count += 1) await api.app.inject('/nowhere')
    await api.app.inject('/timers/abc')
    expect(linesOf('INVALID_TIMER_ID')).toEqual([
      expect.objectContaining({ msg: 'request refused', status: 400 }),
    ])
  })

  it('tells what was left out when the service stops', async () => {
    for (let count = 0; count < 100; count += 1) await api.app.inject('/nowhere')
    await api.close()
    const all = linesOf('NOT_FOUND').reduce((sum, line) => sum + Number(line.count ?? 1), 0)
    expect(all).toBe(100)
  })

  it('had a stack trace for every 503', async () => {
    const reply = await api.app.inject('/timers/1')
    expect(reply.statusCode).toBe(503)
    const [line] = linesOf('STORE_UNAVAILABLE')
    expect(line).toMatchObject({
      level: 50,
      msg: 'request failed',
      cause: { type: 'TimerError', code: 'STORE_UNAVAILABLE', message: expect.any(String) },
    })
    expect(JSON.stringify(line)).not.toMatch(/stack|\.ts:\d|node_modules/)
  })

  it('has every defect of ours, whole', async () => {
    api.app.get('/broken', async () => {
      throw new Error('a bug')
    })
    for (let count = 0; count < 30; count += 1) await api.app.inject('/broken')
    const lines = linesOf('INTERNAL_ERROR')
    expect(lines).toHaveLength(30)
    expect(JSON.stringify(lines[29])).toMatch(/stack.*refusal-log\.test/)
  })
})
