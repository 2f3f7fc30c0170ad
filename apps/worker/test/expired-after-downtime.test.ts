import { eventually, startReceiver } from '@timers/lab'
import { openWorkerBed } from './worker-bed.ts'

const HOURS = 3_600
const DOWN_MS = 10 * HOURS * 1_000
/** A hundred timers, on a machine that may be busy with something else. */
const PATIENT = { timeoutMs: 20_000 }

test('after ten hours of downtime, timers past their expiry end as expired, unsent, and the rest fire once', async () => {
  const receiver = await startReceiver()
  const bed = await openWorkerBed()
  try {
    const url = receiver.hookUrl
    const validities = [1 * HOURS, 9 * HOURS, 11 * HOURS, 24 * HOURS, undefined]
    const timers = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const expiresIn = validities[index % validities.length]
        return { id: await bed.schedule({ url, delayMs: 1_000, expiresIn }), expiresIn }
      }),
    )
    // As if nobody had been there for ten hours.
    for (const { id } of timers) {
      const job = `timers:{0}:t${id}`
      await bed.redis.command('HINCRBY', job, 'timestamp', `-${DOWN_MS}`)
      const dueAt = Number(await bed.redis.command('HINCRBY', job, 'du', `-${DOWN_MS}`))
      await bed.redis.command('ZADD', 'timers:{0}:delayed', String(dueAt * 4_096), `t${id}`)
    }
    await bed.startWorker()
    const ends = await eventually(async () => {
      const found = await Promise.all(timers.map(({ id }) => bed.store.find(id)))
      expect(found.every((timer) => timer?.finishedAt !== undefined)).toBe(true)
      return found
    }, PATIENT)
    for (const [at, { id, expiresIn }] of timers.entries()) {
      const isPast = expiresIn !== undefined && expiresIn < 10 * HOURS
      expect({ id, status: ends[at]?.status, attempts: ends[at]?.attempts }).toEqual({
        id,
        status: isPast ? 'expired' : 'fired',
        attempts: isPast ? 0 : 1,
      })
      expect(receiver.requests.filter((request) => request.id === id)).toHaveLength(isPast ? 0 : 1)
    }
  } finally {
    await bed.close()
    await receiver.close()
  }
})
