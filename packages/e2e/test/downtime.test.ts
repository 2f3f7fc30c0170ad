import { setTimeout as sleep } from 'node:timers/promises'
import { FLAWLESS } from '@timers/lab'
import { Load } from '../src/load.ts'
import { judgeAtRest } from '../src/rest.ts'
import { installations } from './installations.ts'

describe('everything is down across the due time', () => {
  const start = installations()

  test('and up again: every overdue timer fires once', async () => {
    const running = await start()
    const { apis, workers, redis, receiver } = running
    const load = new Load(running)
    // Far enough away that all is down by then, also on a busy machine.
    await load.run({ count: 300, overMs: 800, seconds: [8, 9] })
    await Promise.all([...apis, ...workers].map((service) => service.kill('SIGKILL')))
    await redis.kill()
    await sleep(load.lastDueAt - Date.now())
    expect(receiver.requests).toEqual([])

    await redis.restart()
    await Promise.all([running.startApi(), running.startWorker(), running.startWorker()])

    expect(await judgeAtRest(running, load)).toEqual({ flaws: FLAWLESS, unknown: [] })
    expect(load.acknowledged).toHaveLength(300)
  }, 60_000)
})
