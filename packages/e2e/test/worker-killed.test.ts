import { eventually, FLAWLESS, readTimer, type Service, type UnknownTimer } from '@timers/lab'
import { takenAndUnclaimed } from '../src/claims.ts'
import { Load } from '../src/load.ts'
import { judgeAtRest } from '../src/rest.ts'
import { installations } from './installations.ts'

/** How long after the end of a worker the last of its timers is settled. */
const RECOVERED_WITHIN_MS = 15_000
/** The killed worker may not have come to write an outcome down that the receiver sent so shortly before. */
const UNWRITTEN_MS = 1_000

describe('a worker is killed with -9', () => {
  const start = installations()

  test('mid-delivery: only what it had claimed and heard nothing of is unknown, all the rest fires once', async () => {
    const running = await start({ respond: () => ({ delayMs: 400 }) })
    const load = new Load(running)
    const loading = load.run({ count: 300, overMs: 2_500, seconds: [1, 4] })
    await running.receiver.waitFor(() => running.openRequests.length >= 20, 15_000)

    const killedAt = Date.now()
    await running.workers[0]?.kill('SIGKILL')
    await running.startWorker()
    await loading

    const { flaws, unknown } = await judgeAtRest(running, load)
    expect(flaws).toEqual(FLAWLESS)
    expect(load.acknowledged).toHaveLength(300)
    expect(unknown.length).toBeGreaterThan(0)
    expect(unknown.filter((timer) => !wasInFlight(timer, killedAt))).toEqual([])
    // By what is recorded: to ask for all of them takes a while, too.
    const views = await Promise.all(
      load.acknowledged.map(({ acknowledged }) => readTimer(running.apiUrl, acknowledged?.id ?? 0)),
    )
    const settledMs = views.map(
      (view) => Date.parse(String(view?.finished_at)) - Math.max(killedAt, Date.parse(String(view?.due_at))),
    )
    expect(Math.max(...settledMs)).toBeLessThan(RECOVERED_WITHIN_MS)
  }, 60_000)

  test('before the claim: another worker fires what it had taken, within 15 s', async () => {
    const running = await start({ workers: 1 })
    const [victim] = running.workers as [Service]
    const load = new Load(running)
    await load.run({ count: 60, overMs: 0, seconds: [2, 2] })
    // Stopped at every look, it cannot go on while it is being looked at.
    await eventually(
      async () => {
        victim.signal('SIGSTOP')
        const { length } = await takenAndUnclaimed(running)
        if (length < 5) victim.signal('SIGCONT')
        expect(length).toBeGreaterThanOrEqual(5)
      },
      { timeoutMs: 5_000, intervalMs: 1 },
    )
    await victim.kill('SIGKILL')
    const killedAt = Date.now()
    const unclaimed = await takenAndUnclaimed(running)
    expect(unclaimed.length).toBeGreaterThan(0)
    await running.startWorker()

    const { flaws, unknown } = await judgeAtRest(running, load)
    expect(flaws).toEqual(FLAWLESS)
    expect(unknown.filter(({ id }) => unclaimed.includes(id))).toEqual([])
    const recoveredAfterMs = running.receiver.requests
      .filter(({ id }) => unclaimed.includes(id))
      .map(({ receivedAt }) => receivedAt - killedAt)
    expect(recoveredAfterMs).toHaveLength(unclaimed.length)
    expect(Math.max(...recoveredAfterMs)).toBeLessThan(RECOVERED_WITHIN_MS)
  }, 60_000)
})

/** Whether the request may have been claimed and not yet written down when the worker was killed. */
function wasInFlight({ dueAt, seen }: UnknownTimer, killedAt: number): boolean {
  if (seen === undefined) return dueAt <= killedAt
  return (
    seen.receivedAt <= killedAt + UNWRITTEN_MS && (seen.answeredAt ?? killedAt) >= killedAt - UNWRITTEN_MS
  )
}
