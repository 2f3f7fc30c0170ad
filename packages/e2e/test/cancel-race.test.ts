import { ask, atInstant, createAt, seenById, untilAll } from '../src/changes.ts'
import { installations } from './installations.ts'

const COUNT = 600
const NEAR_MS = 40

describe('cancels that race with workers', () => {
  const install = installations()

  test('600 within 40 ms of their due times, two workers: 200 means never seen, 409 means seen once', async () => {
    const running = await install({ apis: 2, workers: 2, respond: () => ({}) })
    const { receiver } = running
    const from = Date.now() + 4_000
    const dueAt = (index: number): number => from + index * 5
    const ids = await createAt(
      running.apiUrl,
      Array.from({ length: COUNT }, (_, index) => ({ at: dueAt(index), url: receiver.hookUrl })),
    )
    const answers = await Promise.all(
      ids.map((id, index) =>
        atInstant(dueAt(index) - NEAR_MS + ((index * 7) % (2 * NEAR_MS)), () =>
          ask('DELETE', `${running.apiUrl}/timers/${id}`).then((answer) => ({
            ...answer,
            id,
            at: Date.now(),
          })),
        ),
      ),
    )
    // Each is told the same again, whoever asks.
    const again = await Promise.all(ids.map((id) => ask('DELETE', `${running.apiUrl}/timers/${id}`)))
    expect(again.map(({ status }) => status)).toEqual(answers.map(({ status }) => status))

    const refused = answers.filter(({ status }) => status === 409)
    const cancelled = answers.filter(({ status }) => status === 200)
    expect(refused.length + cancelled.length).toBe(COUNT)
    expect(Math.min(refused.length, cancelled.length)).toBeGreaterThan(0)
    await untilAll(
      running.apiUrl,
      refused.map(({ id }) => id),
      'fired',
    )
    const seen = seenById(receiver.requests)
    expect(cancelled.filter(({ id }) => seen(id).length !== 0)).toEqual([])
    expect(refused.filter(({ id }) => seen(id).length !== 1)).toEqual([])
    for (const { body } of refused) expect(['ALREADY_FIRING', 'ALREADY_FINISHED']).toContain(body.code)
    for (const { body } of cancelled) expect(body.status).toBe('cancelled')
    await untilAll(
      running.apiUrl,
      cancelled.map(({ id }) => id),
      'cancelled',
    )
  }, 60_000)
})
