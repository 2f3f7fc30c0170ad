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

test('a retry that would come after the expiry does not put off the end: the timer expires when its time is over', async () => {
  // The next attempt would be in a minute.
  receiver.respond = () => ({ status: 429 })
  const id = await bed.schedule({ url: receiver.hookUrl, mode: 'at_least_once', expiresIn: 2 })
  const { dueAt, nextAttemptAt } = await bed.settled(id, (record) => record.nextAttemptAt !== undefined)
  expect(nextAttemptAt).toBe(dueAt + 2_001)
  const expired = await bed.settled(id, (record) => record.status === 'expired')
  expect(expired).toMatchObject({ attempts: 1, log: [{ outcome: 'rejected', responseStatus: 429 }] })
  expect(expired.finishedAt).toBeGreaterThan(dueAt + 2_000)
  expect(receiver.requests).toHaveLength(1)
})

test('nor does a receiver that is down', async () => {
  const url = `http://127.0.0.1:${await stablePort()}/hook`
  const before = await Promise.all(Array.from({ length: 10 }, () => bed.schedule({ url })))
  for (const id of before) await bed.settled(id, (record) => record.attempts > 0)
  // The first to try it again does so 5 s after the breaker has opened.
  const id = await bed.schedule({ url, expiresIn: 2 })
  const { dueAt, held } = await bed.settled(id, (record) => record.held !== undefined)
  expect(held).toEqual({ by: 'receiver_down', until: dueAt + 2_001 })
  expect(await bed.settled(id, (record) => record.status === 'expired')).toMatchObject({ attempts: 0 })
})
