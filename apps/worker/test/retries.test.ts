import { type Receiver, stablePort, startReceiver } from '@timers/lab'
import { openWorkerBed, type WorkerBed } from './worker-bed.ts'

let bed: WorkerBed
let receiver: Receiver

beforeAll(async () => {
  bed = await openWorkerBed()
  receiver = await startReceiver()
  await bed.startWorker()
})
afterAll(async () => {
  await receiver.close()
  await bed.close()
})

const seen = (id: number) => receiver.requests.filter((request) => request.id === id)

test('at_least_once: a 503 is tried again with the same webhook-id, and the log tells both attempts', async () => {
  receiver.respond = (request) => ({ status: seen(request.id).length === 1 ? 503 : 204 })
  const id = await bed.schedule({ url: receiver.hookUrl, mode: 'at_least_once' })
  const waiting = await bed.settled(id, (record) => record.attempts === 1)
  expect(waiting.status).toBe('pending')
  expect(waiting.nextAttemptAt).toBeGreaterThan(Date.now())

  const fired = await bed.settled(id, (record) => record.status === 'fired')
  expect(fired.log).toMatchObject([
    { attempt: 1, outcome: 'rejected', responseStatus: 503 },
    { attempt: 2, outcome: 'delivered', responseStatus: 204 },
  ])
  for (const { queueMs, connectMs, responseMs } of fired.log) {
    for (const part of [queueMs, connectMs, responseMs]) expect(part).toBeGreaterThanOrEqual(0)
  }
  // Lateness is the first request's; the second came 4 s later.
  expect(fired.firedAt).toBe(fired.log[0]?.sentAt)
  const ids = seen(id).map((request) => request.headers['webhook-id'])
  expect(ids).toEqual([`timer_${id}`, `timer_${id}`])
})

test('at_most_once: a 503 is the end, and a timeout is unknown; neither is sent again', async () => {
  receiver.respond = () => ({ status: 503 })
  const refused = await bed.schedule({ url: receiver.hookUrl })
  expect(await bed.settled(refused, (record) => record.status === 'failed')).toMatchObject({
    responseStatus: 503,
    attempts: 1,
  })
  receiver.respond = () => 'reset'
  const lost = await bed.schedule({ url: receiver.hookUrl })
  const unknown = await bed.settled(lost, (record) => record.status === 'unknown')
  expect(unknown.log).toMatchObject([{ outcome: 'ambiguous', reason: 'connection reset' }])
  expect(seen(refused)).toHaveLength(1)
  expect(seen(lost)).toHaveLength(1)
})

test.each(['at_most_once', 'at_least_once'] as const)(
  '%s: what was never sent is tried again quickly, and arrives once the receiver is up',
  async (mode) => {
    const port = await stablePort()
    const id = await bed.schedule({ url: `http://127.0.0.1:${port}/hook`, mode })
    // Once, or more often where this process was slow to look.
    await bed.settled(id, (record) => record.attempts > 0 && record.status === 'pending')
    const late = await startReceiver({ port })
    try {
      const fired = await bed.settled(id, (record) => record.status === 'fired')
      expect(fired.log.length).toBeGreaterThan(1)
      for (const attempt of fired.log.slice(0, -1)) {
        expect(attempt).toMatchObject({ outcome: 'never_sent', reason: 'connection refused' })
      }
      expect(fired.log.at(-1)).toMatchObject({ outcome: 'delivered' })
      expect(late.requests).toHaveLength(1)
      expect(fired.firedAt).toBe(fired.log.at(-1)?.sentAt)
    } finally {
      await late.close()
    }
  },
)

test('max_attempts ends it', async () => {
  receiver.respond = () => ({ status: 500 })
  const id = await bed.schedule({ url: receiver.hookUrl, mode: 'at_least_once', maxAttempts: 1 })
  const failed = await bed.settled(id, (record) => record.status === 'failed')
  expect(failed).toMatchObject({ attempts: 1, responseStatus: 500 })
})

test('a planned retry outlives its worker', async () => {
  const other = await openWorkerBed()
  try {
    const first = await other.startWorker()
    const arrived = () => receiver.requests.filter(({ path }) => path.startsWith('/survivor'))
    receiver.respond = () => ({ status: arrived().length === 1 ? 503 : 200 })
    const id = await other.schedule({ url: `${receiver.url}/survivor`, mode: 'at_least_once' })
    await other.settled(id, (record) => record.attempts === 1)
    await first.stop()
    await other.startWorker()
    const fired = await other.settled(id, (record) => record.status === 'fired')
    expect(fired.attempts).toBe(2)
    expect(arrived()).toHaveLength(2)
  } finally {
    await other.close()
  }
})

describe('redrive', () => {
  test('sends a failed timer again as a new attempt, and keeps what was known', async () => {
    receiver.respond = () => ({ status: 400 })
    const id = await bed.schedule({ url: receiver.hookUrl })
    await bed.settled(id, (record) => record.status === 'failed')
    receiver.respond = () => ({ status: 200 })
    expect(await eventuallyRedriven(id)).toMatchObject({ status: 'pending' })
    const fired = await bed.settled(id, (record) => record.status === 'fired')
    expect(fired.log).toMatchObject([
      { attempt: 1, outcome: 'rejected', responseStatus: 400 },
      { attempt: 2, outcome: 'delivered', responseStatus: 200 },
    ])
    expect(seen(id)).toHaveLength(2)
  })

  test('starts the budget of attempts anew', async () => {
    const port = await stablePort()
    const id = await bed.schedule({ url: `http://127.0.0.1:${port}/hook`, maxAttempts: 1 })
    await bed.settled(id, (record) => record.status === 'failed')
    await eventuallyRedriven(id)
    const failed = await bed.settled(id, (record) => record.status === 'failed' && record.attempts === 2)
    expect(failed.log).toMatchObject([{ outcome: 'never_sent' }, { outcome: 'never_sent' }])
  })

  test('refuses a timer that is pending or has fired, and knows no timer that never was', async () => {
    receiver.respond = () => ({ status: 200 })
    const pending = await bed.schedule({ url: receiver.hookUrl, delayMs: 60_000 })
    await expect(bed.store.redrive(pending)).rejects.toMatchObject({ code: 'NOT_REDRIVABLE' })
    const fired = await bed.schedule({ url: receiver.hookUrl })
    await bed.settled(fired, (record) => record.status === 'fired')
    await expect(bed.store.redrive(fired)).rejects.toMatchObject({ code: 'NOT_REDRIVABLE' })
    expect(await bed.store.redrive(999_999)).toBeUndefined()
  })

  test('two at once are one', async () => {
    receiver.respond = () => ({ status: 400 })
    const id = await bed.schedule({ url: receiver.hookUrl })
    await bed.settled(id, (record) => record.status === 'failed')
    const tries = await Promise.allSettled([
      eventuallyRedriven(id),
      bed.store.redrive(id),
      bed.store.redrive(id),
    ])
    expect(tries.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1)
    await bed.settled(id, (record) => record.status === 'failed' && record.attempts >= 2)
    expect(seen(id).length).toBe((await bed.store.find(id))?.attempts)
  })
})

/** The status is written a moment before the job is finished; in between a redrive is refused. */
async function eventuallyRedriven(id: number) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await bed.store.redrive(id)
    } catch (error) {
      if (tries === 50) throw error
    }
  }
}
