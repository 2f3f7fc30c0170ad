import { eventually, type Installation, type Receiver, readTimer, startReceiver } from '@timers/lab'
import { createAt } from '../src/changes.ts'
import { installations } from './installations.ts'

const OUTBOX = 'timers:{0}:outbox'

describe('who asked to be told how timers end', () => {
  const start = installations()
  /** Who is told. */
  let told: Receiver

  beforeEach(async () => {
    told = await startReceiver()
  })
  afterEach(() => told.close())

  const install = (workers = 1): Promise<Installation> =>
    start({
      workers,
      respond: () => ({ status: 404 }),
      env: { EVENTS_URL: `${told.url}/told`, EVENTS_ON: 'failed,unknown' },
    })

  /** All due at once, however slow the machine is: so many callbacks are under way together. */
  function create({ apiUrl, receiver }: Installation, count: number): Promise<number[]> {
    const at = Date.now() + 2_000
    return createAt(
      apiUrl,
      Array.from({ length: count }, () => ({ at, url: receiver.hookUrl })),
    )
  }

  /** What was told, and under which webhook-ids: one for each, however often it was repeated. */
  function tellings(): Map<string, Set<string>> {
    const found = new Map<string, Set<string>>()
    for (const { body, headers } of told.requests) {
      if (body === '') continue
      const { type, data } = JSON.parse(body)
      const news = `${data.timer.id} ${type}`
      const ids = found.get(news) ?? new Set()
      found.set(news, ids.add(String(headers['webhook-id'])))
    }
    return found
  }

  /** Waits until each timer has ended (as `unknown`, where its worker died over it), and its end was told. */
  async function allTold({ apiUrl }: Installation, ids: readonly number[]): Promise<void> {
    await eventually(
      async () => {
        const heard = tellings()
        for (const id of ids) {
          const status = (await readTimer(apiUrl, id))?.status
          expect(status).toMatch(/^(failed|unknown)$/)
          expect([...heard.keys()]).toContain(`${id} timer.${status}`)
        }
      },
      { timeoutMs: 40_000, intervalMs: 250 },
    )
    expect([...tellings()].filter(([, webhookIds]) => webhookIds.size > 1)).toEqual([])
  }

  /** Waits until everything is delivered: then nothing of it is left. */
  const emptied = ({ redis }: Installation) =>
    eventually(async () => expect(await redis.command('ZCARD', OUTBOX)).toBe(0), { timeoutMs: 30_000 })

  test('hears over HTTP of a cancel, at the very URL of the callback', async () => {
    const running = await install()
    const answer = await fetch(`${running.apiUrl}/timers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        in: '1h',
        url: running.receiver.hookUrl,
        callback: { url: `${told.url}/mine?a=b`, on: ['cancelled'] },
      }),
    })
    const { id } = (await answer.json()) as { id: number }
    const { status } = await fetch(`${running.apiUrl}/timers/${id}`, { method: 'DELETE' })
    expect(status).toBe(200)
    await told.waitFor((requests) => requests.some(({ body }) => body !== ''))
    expect(told.requests.map(({ url }) => url)).toEqual(['/mine?a=b'])
    expect([...tellings().keys()]).toEqual([`${id} timer.cancelled`])
    expect(running.receiver.requests).toEqual([])
  })

  test('hears of each, although the worker is killed between the outcome and the callback', async () => {
    const running = await install()
    const [victim] = running.workers
    const ids = await create(running, 40)
    // Stopped at every look, it cannot go on while it is being looked at.
    await eventually(
      async () => {
        victim?.signal('SIGSTOP')
        const waiting = Number(await running.redis.command('ZCARD', OUTBOX))
        if (waiting < 3) victim?.signal('SIGCONT')
        expect(waiting).toBeGreaterThanOrEqual(3)
      },
      { timeoutMs: 10_000, intervalMs: 1 },
    )
    await victim?.kill('SIGKILL')
    const written = ((await running.redis.command('ZRANGE', OUTBOX, '0', '-1')) as string[]).length
    const heard = tellings().size
    expect(written).toBeGreaterThanOrEqual(3)
    await running.startWorker()

    await allTold(running, ids)
    expect(heard).toBeLessThan(ids.length)
    await emptied(running)
  }, 60_000)

  test('hears of each, although the worker is killed while callbacks are under way: repeats have the same webhook-id', async () => {
    const running = await install()
    told.respond = () => 'hang'
    const ids = await create(running, 20)
    await told.waitFor((requests) => requests.length >= 5)
    await running.workers[0]?.kill('SIGKILL')
    const cut = told.requests.map(({ headers }) => headers['webhook-id'])
    told.respond = () => ({ status: 204 })
    await running.startWorker()

    await emptied(running)
    await allTold(running, ids)
    // Each that was under way came again: that it had arrived was not known.
    for (const webhookId of cut) {
      const seen = told.requests.filter(({ headers }) => headers['webhook-id'] === webhookId)
      expect(seen.length).toBeGreaterThanOrEqual(2)
    }
  }, 90_000)

  test('hears of each, although Redis is killed and started again meanwhile', async () => {
    const running = await install(2)
    const ids = await create(running, 60)
    await told.waitFor((requests) => requests.length >= 5)
    await running.redis.restart()

    await allTold(running, ids)
    await emptied(running)
  }, 90_000)
})
