import { eventually, type Installation, readTimer, type Service } from '@timers/lab'
import { removeClaim } from '../src/claims.ts'
import { Load } from '../src/load.ts'
import { judgeAtRest } from '../src/rest.ts'
import { installations } from './installations.ts'

describe('the fence', () => {
  const start = installations()

  test('it is the fence that holds: where it is taken away the receiver sees doubles, where it is left it sees none', async () => {
    // The first time it takes so long that all are with the receiver when the worker is stopped, however slow the machine is.
    const seen = new Set<number>()
    const running = await start({
      workers: 1,
      respond: ({ id }) => {
        const again = seen.has(id)
        seen.add(id)
        return { delayMs: again ? 0 : 5_000 }
      },
      env: { WEBHOOK_TIMEOUT_MS: 60_000 },
    })
    const [first] = running.workers as [Service]
    const load = new Load(running)
    await load.run({ count: 20, overMs: 0, seconds: [1, 1] })
    await running.receiver.waitFor((requests) => requests.length === 20)

    // All 20 are with the receiver. Their worker stops longer than its locks last, and a second one takes them over.
    first.signal('SIGSTOP')
    const ids = load.acknowledged.map(({ acknowledged }) => acknowledged?.id ?? 0).sort((a, b) => a - b)
    const [fenceless, fenced] = [ids.slice(0, 10), ids.slice(10)]
    for (const id of fenceless) await removeClaim(running, id)
    await running.startWorker()
    const { flaws, unknown } = await judgeAtRest(running, load)

    expect(flaws).toMatchObject({ lost: [], early: [] })
    expect(flaws.doubled).toHaveLength(10)
    expect(seenTimes(running, 2)).toEqual(fenceless)
    expect(seenTimes(running, 1)).toEqual(fenced)
    expect(unknown.map(({ id }) => id).sort((a, b) => a - b)).toEqual(fenced)

    first.signal('SIGCONT')
    await eventually(async () => {
      for (const id of fenced) expect(await readTimer(running.apiUrl, id)).toMatchObject({ status: 'fired' })
    })
    expect(seenTimes(running, 1)).toEqual(fenced)
  }, 60_000)
})

function seenTimes({ receiver }: Installation, times: number): number[] {
  return [...receiver.countById()]
    .filter(([, count]) => count === times)
    .map(([id]) => id)
    .sort((a, b) => a - b)
}
