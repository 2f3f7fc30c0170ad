import { eventually, readTimer } from '@timers/lab'
import { ask, atInstant, createAt, seenById, untilAll } from '../src/changes.ts'
import { installations } from './installations.ts'

const COUNT = 300
const NEAR_MS = 40

describe('PUT by key', () => {
  const install = installations()

  test('300 within 40 ms of the due times: the timer is changed, or left alone and another one made; each is seen once', async () => {
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
        key: `order-${index}`,
      })),
    )
    const answers = await Promise.all(
      ids.map((id, index) =>
        atInstant(dueAt(index) - NEAR_MS + ((index * 7) % (2 * NEAR_MS)), async () => {
          const body = { seconds: 2, url: receiver.hookUrl, payload: 'new' }
          const answer = await ask('PUT', `${running.apiUrl}/timers/by-key/order-${index}`, body)
          return { status: answer.status, id, now: answer.body }
        }),
      ),
    )
    const changed = answers.filter(({ status }) => status === 200)
    const made = answers.filter(({ status }) => status === 201)
    expect(changed.length + made.length).toBe(COUNT)
    expect(Math.min(changed.length, made.length)).toBeGreaterThan(0)
    const all = new Set([...ids, ...answers.map(({ now }) => Number(now.id))])
    await untilAll(running.apiUrl, all, 'fired')

    const seen = seenById(receiver.requests)
    const bodies = (id: unknown) => seen(Number(id)).map(({ body }) => body)
    for (const { id, now } of changed) {
      expect({ id: now.id, bodies: bodies(id) }).toEqual({ id, bodies: ['"new"'] })
      expect(seen(id)[0]?.receivedAt).toBeGreaterThanOrEqual(Date.parse(String(now.due_at)))
    }
    for (const { id, now } of made) {
      expect(now.previous).toEqual({ id, status: expect.stringMatching(/^(firing|fired)$/) })
      expect({ id, old: bodies(id), new: bodies(now.id) }).toEqual({ id, old: ['"old"'], new: ['"new"'] })
    }
    expect(receiver.requests).toHaveLength(all.size)
  }, 90_000)

  test('a thousand on one key within a second leave one timer, at the last time, and it fires once', async () => {
    const running = await install({ apis: 2, workers: 2, respond: () => ({}) })
    const { receiver } = running
    const put = async (turn: number) => {
      const body = { seconds: 5, url: receiver.hookUrl, payload: turn }
      const answer = await ask('PUT', `${running.apiUrl}/timers/by-key/typing`, body)
      return { status: answer.status, id: answer.body.id, dueAt: Date.parse(String(answer.body.due_at)) }
    }
    const from = Date.now()
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, turn) => atInstant(from + turn, () => put(turn))),
    )
    expect(
      answers
        .map(({ status }) => status)
        .toSorted()
        .slice(-2),
    ).toEqual([200, 201])
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1)

    const left = await ask('GET', `${running.apiUrl}/timers/by-key/typing`)
    const last = Math.max(...answers.map(({ dueAt }) => dueAt))
    // Two processes ask their clocks, and Redis is asked a moment later.
    expect(Math.abs(Date.parse(String(left.body.due_at)) - last)).toBeLessThan(100)
    expect(receiver.requests).toEqual([])
    await eventually(
      async () => expect((await readTimer(running.apiUrl, Number(left.body.id)))?.status).toBe('fired'),
      {
        timeoutMs: 15_000,
      },
    )
    expect(receiver.requests.map(({ id }) => id)).toEqual([left.body.id])
    const data = await running.redis.command('HGET', `timers:{0}:t${left.body.id}`, 'data')
    expect(receiver.requests[0]?.body).toBe(JSON.parse(String(data)).b)
    expect(receiver.requests[0]?.receivedAt).toBeGreaterThanOrEqual(Date.parse(String(left.body.due_at)))
  }, 60_000)
})
