import { randomBytes } from 'node:crypto'
import type { FinalStatus } from '@timers/core'
import { eventually, type ReceivedRequest, type Receiver, stablePort, startReceiver } from '@timers/lab'
import { Webhook } from 'standardwebhooks'
import { openWorkerBed, type WorkerBed } from './worker-bed.ts'

const SECRET = `whsec_${randomBytes(32).toString('base64')}`
const ALL: readonly FinalStatus[] = ['fired', 'failed', 'unknown', 'expired', 'cancelled']

let bed: WorkerBed
let receiver: Receiver
/** Who is told. */
let told: Receiver

beforeEach(async () => {
  bed = await openWorkerBed()
  receiver = await startReceiver()
  told = await startReceiver()
})
afterEach(async () => {
  await receiver.close()
  await told.close()
  await bed.close()
})

const start = (env: Record<string, string> = {}) => bed.startWorker({ WEBHOOK_SECRETS: SECRET, ...env })
const callback = (on: readonly FinalStatus[] = ALL) => ({ url: `${told.url}/told?by=timers`, on })
const eventsOf = (id: number) =>
  told.requests.filter(({ body }) => body !== '').filter(({ body }) => JSON.parse(body).data.timer.id === id)
const outbox = () => bed.redis.command('ZRANGE', 'timers:{0}:outbox', '0', '-1')

/** The one event of a timer, once it has come; verified as a receiver does it. */
async function event(id: number) {
  await told.waitFor(() => eventsOf(id).length > 0)
  const [request] = eventsOf(id) as [ReceivedRequest]
  expect(request.url).toBe('/told?by=timers')
  return { request, body: new Webhook(SECRET).verify(request.body, { ...request.headers }) }
}

describe('a callback tells how its timer ended', () => {
  test('fired: a signed body that the library of Standard Webhooks takes, under an id of its own', async () => {
    await start()
    const id = await bed.schedule({ url: receiver.hookUrl, callback: callback() })
    const { request, body } = await event(id)
    const fired = await bed.settled(id, (record) => record.status === 'fired')
    expect(body).toEqual({
      type: 'timer.fired',
      timestamp: new Date(Number(fired.finishedAt)).toISOString(),
      data: {
        timer: expect.objectContaining({
          id,
          status: 'fired',
          time_left: 0,
          due_at: new Date(fired.dueAt).toISOString(),
          response_status: 200,
          attempt_log: [expect.objectContaining({ outcome: 'delivered' })],
        }),
      },
    })
    expect(request.headers['content-type']).toBe('application/json')
    expect(request.headers['webhook-id']).toMatch(/^event_\d+$/)
    expect(request.headers['webhook-id']).not.toBe(`event_${id}`)
    // Delivered: nothing of it is kept.
    await eventually(async () => expect(await outbox()).toEqual([]))
    expect(await bed.redis.command('EXISTS', `timers:{0}:t${request.headers['webhook-id']?.slice(6)}`)).toBe(
      0,
    )
  })

  test('failed', async () => {
    await start()
    receiver.respond = () => ({ status: 404 })
    const id = await bed.schedule({ url: receiver.hookUrl, callback: callback() })
    expect((await event(id)).body).toMatchObject({
      type: 'timer.failed',
      data: { timer: { status: 'failed', response_status: 404 } },
    })
  })

  test('unknown, and what it is resolved to', async () => {
    await start()
    receiver.respond = () => 'reset'
    const id = await bed.schedule({ url: receiver.hookUrl, callback: callback() })
    expect((await event(id)).body).toMatchObject({ type: 'timer.unknown' })
    await bed.store.resolve(id, 'fired', 'it is in their log')
    await told.waitFor(() => eventsOf(id).length === 2)
    const [first, second] = eventsOf(id)
    expect(JSON.parse(second?.body ?? '')).toMatchObject({
      type: 'timer.fired',
      data: { timer: { status: 'fired', resolved: { as: 'fired', note: 'it is in their log' } } },
    })
    expect(second?.headers['webhook-id']).not.toBe(first?.headers['webhook-id'])
  })

  test('expired', async () => {
    const id = await bed.schedule({ url: receiver.hookUrl, expiresIn: 1, callback: callback() })
    await eventually(async () => {
      const { dueAt } = (await bed.store.find(id)) ?? { dueAt: Number.POSITIVE_INFINITY }
      expect(Date.now()).toBeGreaterThan(dueAt + 1_000)
    })
    await start()
    expect((await event(id)).body).toMatchObject({ type: 'timer.expired', data: { timer: { id } } })
    expect(receiver.requests).toEqual([])
  })

  test('cancelled, by the API and with no worker there', async () => {
    const id = await bed.schedule({ url: receiver.hookUrl, delayMs: 60_000, callback: callback() })
    await bed.store.cancel(id)
    await start()
    expect((await event(id)).body).toMatchObject({ type: 'timer.cancelled', data: { timer: { id } } })
  })

  test('of the statuses that it asks for, and no others', async () => {
    await start()
    const quiet = await bed.schedule({ url: receiver.hookUrl, callback: callback(['failed']) })
    await bed.settled(quiet, (record) => record.status === 'fired')
    receiver.respond = () => ({ status: 410 })
    const loud = await bed.schedule({ url: receiver.hookUrl, callback: callback(['failed']) })
    await event(loud)
    expect(eventsOf(quiet)).toEqual([])
  })
})

describe('a callback whose receiver does not take it', () => {
  test('is tried again with the same webhook-id and the same body, whatever became of the timer', async () => {
    await start()
    told.respond = () => ({ status: told.requests.length === 1 ? 503 : 204 })
    receiver.respond = () => ({ status: 404 })
    const id = await bed.schedule({ url: receiver.hookUrl, callback: callback(['failed']) })
    await event(id)
    receiver.respond = () => ({ status: 200 })
    await bed.store.redrive(id)
    await told.waitFor(() => eventsOf(id).length === 2, 20_000)
    const [first, second] = eventsOf(id)
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
    expect(second?.body).toBe(first?.body)
    await eventually(async () => expect(await outbox()).toEqual([]))
  })

  test('makes no callback, and stays to be seen as failed', async () => {
    await start({ EVENTS_URL: `${told.url}/told?by=timers` })
    told.respond = () => ({ status: 410 })
    const id = await bed.schedule({ url: `http://127.0.0.1:${await stablePort()}/`, maxAttempts: 1 })
    const { request } = await event(id)
    const callbackId = Number(request.headers['webhook-id']?.slice('event_'.length))
    const failed = await bed.settled(callbackId, (record) => record.status === 'failed')
    expect(failed).toMatchObject({ callbackOf: id, responseStatus: 410, attempts: 1 })
    expect(await outbox()).toEqual([`t${callbackId}`])
    // Something that comes after it has come; nothing of the callback has.
    const next = await bed.schedule({ url: receiver.hookUrl, callback: callback(['fired']) })
    await event(next)
    expect(told.requests.map(({ body }) => JSON.parse(body).data.timer.id)).toEqual([id, next])
    expect(bed.lines).toContainEqual(
      expect.objectContaining({ msg: 'attempt', timerId: callbackId, callbackOf: id, outcome: 'rejected' }),
    )
  })

  test('goes to no private address', async () => {
    await start({ DELIVERY_ALLOW_CIDRS: '127.0.0.1/32' })
    const id = await bed.schedule({
      url: receiver.hookUrl,
      callback: { url: `http://127.0.0.2:${told.port}/`, on: ['fired'] },
    })
    await bed.settled(id, (record) => record.status === 'fired')
    const [jobId] = (await outbox()) as string[]
    const blocked = await bed.settled(Number(jobId?.slice(1)), (record) => record.status === 'failed')
    expect(blocked.log).toMatchObject([{ outcome: 'blocked' }])
  })
})

describe('EVENTS_URL', () => {
  test('is told of every timer, in the statuses of EVENTS_ON', async () => {
    await start({ EVENTS_URL: `${told.url}/told?by=timers`, EVENTS_ON: 'fired,failed' })
    const fired = await bed.schedule({ url: receiver.hookUrl })
    expect((await event(fired)).body).toMatchObject({ type: 'timer.fired' })
    receiver.respond = () => 'reset'
    const unknown = await bed.schedule({ url: receiver.hookUrl })
    await bed.settled(unknown, (record) => record.status === 'unknown')
    receiver.respond = () => ({ status: 400 })
    const failed = await bed.schedule({ url: receiver.hookUrl })
    expect((await event(failed)).body).toMatchObject({ type: 'timer.failed' })
    expect(eventsOf(unknown)).toEqual([])
  })

  test('that never answers holds up no timer: all fire while none of their events is answered', async () => {
    told.respond = () => 'hang'
    await start({
      EVENTS_URL: `${told.url}/told?by=timers`,
      EVENTS_ON: 'fired',
      WORKER_CONCURRENCY: '20',
      DELIVERY_MAX_PER_ORIGIN: '10',
      WEBHOOK_TIMEOUT_MS: '60000',
    })
    const ids = await Promise.all(Array.from({ length: 200 }, () => bed.schedule({ url: receiver.hookUrl })))
    for (const id of ids) await bed.settled(id, (record) => record.status === 'fired')
    await told.waitFor((requests) => requests.length > 0)
    expect((await outbox()) as string[]).toHaveLength(200)
    for (const request of told.requests) expect(request.answeredAt).toBeUndefined()
  })

  test('and the callback of a timer are two events', async () => {
    const own = await startReceiver()
    try {
      await start({ EVENTS_URL: `${told.url}/told?by=timers`, EVENTS_ON: 'fired' })
      const id = await bed.schedule({ url: receiver.hookUrl, callback: { url: own.hookUrl, on: ['fired'] } })
      const { request } = await event(id)
      await own.waitFor((requests) => requests.some(({ body }) => body !== ''))
      expect(own.requests[0]?.url).toBe('/hook')
      expect(own.requests[0]?.body).toBe(request.body)
      expect(own.requests[0]?.headers['webhook-id']).not.toBe(request.headers['webhook-id'])
    } finally {
      await own.close()
    }
  })
})
