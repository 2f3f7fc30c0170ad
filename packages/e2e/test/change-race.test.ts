import { readTimer } from '@timers/lab'
import { ask, atInstant, createAt, seenById, untilAll } from '../src/changes.ts'
import { installations } from './installations.ts'

const COUNT = 400
const NEAR_MS = 40
const LATER_MS = 2_000

describe('changes that race with workers', () => {
  const install = installations()

  test('400 within 40 ms of their due times: the new content at the new time, or the old one, and each once', async () => {
    const running = await install({ apis: 2, workers: 2, respond: () => ({}) })
    const { receiver } = running
    const from = Date.now() + 4_000
    const dueAt = (index: number): number => from + index * 5
    const ids = await createAt(
      running.apiUrl,
      Array.from({ length: COUNT }, (_, index) => ({
        at: dueAt(index),
        url: receiver.hookUrl,
        payload: 'old',
      })),
    )
    const answers = await Promise.all(
      ids.map((id, index) =>
        atInstant(dueAt(index) - NEAR_MS + ((index * 7) % (2 * NEAR_MS)), async () => {
          const at = new Date(dueAt(index) + LATER_MS).toISOString()
          // A third only gets other content, a third only another time, a third both.
          const change = { ...(index % 3 !== 1 && { payload: 'new' }), ...(index % 3 !== 0 && { at }) }
          return { ...(await ask('PATCH', `${running.apiUrl}/timers/${id}`, change)), id, index, change }
        }),
      ),
    )
    const won = answers.filter(({ status }) => status === 200)
    const lost = answers.filter(({ status }) => status === 409)
    expect(won.length + lost.length).toBe(COUNT)
    expect(Math.min(won.length, lost.length)).toBeGreaterThan(0)
    await untilAll(running.apiUrl, ids, 'fired')
    const seen = seenById(receiver.requests)
    expect(ids.filter((id) => seen(id).length !== 1)).toEqual([])
    for (const { id, index, change, status } of answers) {
      const [request] = seen(id)
      const isNew = status === 200
      expect({ id, body: request?.body }).toEqual({
        id,
        body: isNew && 'payload' in change ? '"new"' : '"old"',
      })
      const due = dueAt(index) + (isNew && 'at' in change ? LATER_MS : 0)
      expect(request?.receivedAt).toBeGreaterThanOrEqual(due)
      expect((await readTimer(running.apiUrl, id))?.due_at).toBe(new Date(due).toISOString())
    }
  }, 90_000)

  test('a timer that is moved to an earlier time, or fired, goes out on time while the worker sleeps until a later one', async () => {
    const running = await install({ apis: 1, workers: 1, respond: () => ({}) })
    const { receiver, apiUrl } = running
    const far = { hours: 1, url: receiver.hookUrl }
    const created = await Promise.all(Array.from({ length: 6 }, () => ask('POST', `${apiUrl}/timers`, far)))
    const ids = created.map(({ body }) => Number(body.id))
    const lateMs: number[] = []
    for (const id of ids.slice(0, 3)) {
      const { body } = await ask('PATCH', `${apiUrl}/timers/${id}`, { seconds: 1 })
      await receiver.waitFor((requests) => requests.some((request) => request.id === id))
      lateMs.push((receiver.requests.at(-1)?.receivedAt ?? 0) - Date.parse(String(body.due_at)))
    }
    for (const id of ids.slice(3, 5)) {
      const { status, body } = await ask('POST', `${apiUrl}/timers/${id}/fire`)
      expect(status).toBe(202)
      await receiver.waitFor((requests) => requests.some((request) => request.id === id))
      lateMs.push((receiver.requests.at(-1)?.receivedAt ?? 0) - Date.parse(String(body.due_at)))
    }
    expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...lateMs)).toBeLessThan(500)
    expect((await readTimer(apiUrl, ids[5] as number))?.status).toBe('pending')
  }, 60_000)
})
