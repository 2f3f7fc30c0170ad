import { FLAWLESS, type Service } from '@timers/lab'
import { Load } from '../src/load.ts'
import { judgeAtRest } from '../src/rest.ts'
import { installations } from './installations.ts'

describe('a worker gets SIGTERM', () => {
  const start = installations()

  test('mid-delivery: what is in flight finishes, it takes nothing new and exits with 0', async () => {
    const running = await start()
    const [victim] = running.workers as [Service]
    const load = new Load(running)
    const loading = load.run({ count: 300, overMs: 2_500, seconds: [1, 4] })
    await running.receiver.waitFor(() => running.openRequests.length >= 10, 15_000)

    expect(await victim.kill('SIGTERM')).toEqual({ code: 0, signal: null })
    const stoppingAt = victim.logs.findIndex(({ msg }) => msg === 'stopping')
    const finished = victim.logs.slice(stoppingAt).filter(({ msg }) => msg === 'attempt')
    expect(finished.length).toBeGreaterThan(0)
    // It was gone long before the last timer: the other worker goes on alone.
    expect(running.receiver.requests.length).toBeLessThan(250)
    await loading

    expect(await judgeAtRest(running, load)).toEqual({ flaws: FLAWLESS, unknown: [] })
    expect(load.acknowledged).toHaveLength(300)
  }, 60_000)

  // Found by `npm run chaos`: BullMQ's close never ended, and the worker was cut off after its deadline.
  test('while Redis is away, and comes back: the outcomes are written and it exits with 0', async () => {
    const running = await start({ workers: 1, respond: () => ({ delayMs: 1_500 }) })
    const [victim] = running.workers as [Service]
    const load = new Load(running)
    await load.run({ count: 10, overMs: 0, seconds: [1, 1] })
    await running.receiver.waitFor(() => running.openRequests.length === 10, 15_000)

    await running.redis.kill()
    await victim.waitForLog(({ msg }) => msg === 'redis connection lost')
    const ended = victim.kill('SIGTERM')
    await victim.waitForLog(({ msg }) => msg === 'attempt')
    await running.redis.restart()
    expect(await ended).toEqual({ code: 0, signal: null })

    expect(await judgeAtRest(running, load)).toEqual({ flaws: FLAWLESS, unknown: [] })
    expect(load.acknowledged).toHaveLength(10)
  }, 60_000)
})
