import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, startTcpProxy } from '@timers/lab'
import { ask } from '../src/changes.ts'
import { installations } from './installations.ts'

const KEYS = 60
const SENDS = 6

describe('creates with an idempotency key, sent again and again', () => {
  const install = installations()

  test('two APIs, six sends a key, kill -9 of an API and of Redis, replies cut off: one timer a key, fired once', async () => {
    const running = await install({ apis: 2, workers: 1, respond: () => ({}) })
    const { receiver, redis } = running
    const proxies = await Promise.all(
      running.apis.map(({ url }) => startTcpProxy({ targetPort: Number(new URL(url).port) })),
    )
    const ids = new Map<string, Set<number>>()
    const due = new Map<string, Set<unknown>>()
    let answered = 0
    let lost = 0

    /** Sends one request until so many answers came. Never gives up: that is what the key is for. */
    const client = async (index: number, api: number): Promise<void> => {
      const key = `request-${index}`
      const url = `http://127.0.0.1:${proxies[api]?.port}/timers`
      const body = { seconds: 20, url: receiver.hookUrl, payload: index }
      for (let sends = 0; sends < SENDS / 2; ) {
        const answer = await ask('POST', url, body, { 'idempotency-key': key }).catch(() => undefined)
        if (answer?.status === 201) {
          sends += 1
          answered += 1
          ids.set(key, (ids.get(key) ?? new Set()).add(Number(answer.body.id)))
          due.set(key, (due.get(key) ?? new Set()).add(answer.body.due_at))
        } else {
          lost += 1
          if (answer !== undefined) expect(answer.status).toBe(503)
          await sleep(50)
        }
      }
    }

    const clients = Promise.all(
      Array.from({ length: 2 * KEYS }, async (_, turn) => {
        await sleep(turn * 40)
        return client(turn % KEYS, turn < KEYS ? turn % 2 : 1 - (turn % 2))
      }),
    )
    try {
      const cut = Promise.all(proxies.map((proxy) => proxy.cutReplies(8)))
      await eventually(() => expect(answered).toBeGreaterThan(30), { timeoutMs: 15_000 })
      await redis.kill()
      await eventually(() => expect(lost).toBeGreaterThan(20), { timeoutMs: 15_000 })
      await redis.restart()
      await eventually(() => expect(answered).toBeGreaterThan(90), { timeoutMs: 15_000 })
      const [first] = running.apis
      const port = Number(new URL(first?.url ?? '').port)
      await first?.kill('SIGKILL')
      const env = { PORT: port, HOST: '127.0.0.1', REDIS_URL: redis.url, DELIVERY_ALLOW_CIDRS: '127.0.0.0/8' }
      const born = running.spawn('api', env)
      await born.ready(`http://127.0.0.1:${port}/readyz`)
      await clients
      await cut
    } finally {
      await Promise.all(proxies.map((proxy) => proxy.close()))
    }

    expect(ids.size).toBe(KEYS)
    expect([...ids].filter(([, each]) => each.size !== 1)).toEqual([])
    expect([...due].filter(([, each]) => each.size !== 1)).toEqual([])
    const stored = (await redis.command('KEYS', 'timers:{0}:t*')) as string[]
    expect(stored.filter((name) => /:t\d+$/.test(name))).toHaveLength(KEYS)
    await eventually(() => expect(receiver.requests.length).toBeGreaterThanOrEqual(KEYS), {
      timeoutMs: 40_000,
    })
    await eventually(async () => expect(await redis.command('ZCARD', 'timers:{0}:completed')).toBe(KEYS))
    expect(receiver.requests.map(({ body }) => Number(body)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: KEYS }, (_, index) => index),
    )
  }, 120_000)
})
