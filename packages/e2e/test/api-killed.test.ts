import { FLAWLESS, type Listening } from '@timers/lab'
import { Load } from '../src/load.ts'
import { judgeAtRest } from '../src/rest.ts'
import { installations } from './installations.ts'

describe('an API is killed with -9', () => {
  const start = installations()

  test('while timers are created: those acknowledged fire once, those cut off at most once', async () => {
    const running = await start({ apis: 2 })
    const [victim] = running.apis as [Listening]
    const load = new Load(running)
    const loading = load.run({ count: 200, overMs: 2_500, seconds: [1, 4] })
    await load.untilAcknowledged(50)
    const { length: acknowledged } = load.acknowledged
    // A burst, so that many requests are half done when it dies.
    const burst = load.run({ count: 100, overMs: 0, seconds: [1, 4] })
    await load.untilAcknowledged(acknowledged + 5)
    // And some that it cannot answer any more, had it been quicker than this process with all the others.
    const last = load.run({ count: 10, overMs: 0, seconds: [1, 4] })
    await victim.kill('SIGKILL')
    await running.startApi()
    await Promise.all([loading, burst, last])

    expect(await judgeAtRest(running, load)).toEqual({ flaws: FLAWLESS, unknown: [] })
    expect(load.failed.length).toBeGreaterThan(0)
    expect(new Set(load.failed.map(({ failure }) => failure))).toEqual(new Set(['cut']))
    expect(load.acknowledged.length).toBeGreaterThan(200)
  }, 60_000)
})
