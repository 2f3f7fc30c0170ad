import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@timers/lab'
import { Worker } from 'bullmq'
import { allFired, gate, rig, schedule, statuses, useConsumerBed } from './consumer-bed.ts'
import { firing } from './firing.ts'
import { delivered } from './rig.ts'

describe('the timer consumer', () => {
  useConsumerBed()

  describe('the watchdog', () => {
    test('starts a consumer anew whose Workers have silently stopped', async () => {
      // The test's own hand on BullMQ: Workers that stop without telling anyone, as they did in its issue 4479.
      const workers: Worker[] = []
      const run = Worker.prototype.run
      Worker.prototype.run = function (this: Worker) {
        workers.push(this)
        return run.call(this)
      }
      try {
        await rig.consumer({ stuckAfterMs: 1_000, handle: firing() })
        await allFired(await schedule(1))
        await Promise.all(workers.map((worker) => worker.pause(true)))
        const timers = await schedule(5)
        await allFired(timers, { timeoutMs: 10_000 })
        expect(rig.heard(/restarting the consumer/)).toBeDefined()
      } finally {
        Worker.prototype.run = run
      }
    })

    test('names what BullMQ complains of, which was logged at debug only', async () => {
      await rig.consumer({ stuckAfterMs: 1_000, handle: firing() })
      await allFired(await schedule(1))
      // With it BullMQ takes a job. (Without bzpopmin, with which it waits, timers are looked for all the same.)
      await rig.redis.command('ACL', 'SETUSER', 'default', '-rpoplpush')
      try {
        const timers = await eventually(() => schedule(1))
        await eventually(
          () =>
            // It may have looked before BullMQ had anything to complain of.
            expect(rig.said).toContainEqual({
              level: 'error',
              message: expect.stringMatching(/restarting the consumer/),
              fields: expect.objectContaining({ cause: expect.stringMatching(/can't run this command/) }),
            }),
          { timeoutMs: 10_000 },
        )
        const complaints = rig.said.filter(({ message }) => /timers may not be taken/.test(message))
        expect(complaints[0]).toMatchObject({ level: 'error', fields: { error: 'ReplyError' } })
        // Not once a try: again only after a timer was taken in between.
        expect(complaints.length).toBeLessThanOrEqual(3)
        await rig.redis.command('ACL', 'SETUSER', 'default', '+rpoplpush')
        await allFired(timers, { timeoutMs: 10_000 })
      } finally {
        await rig.redis.command('ACL', 'SETUSER', 'default', '+rpoplpush')
      }
    })

    test('lets a queue be that an operator has paused, and says so', async () => {
      // More than a busy machine takes from the end of the pause to the first fetch.
      await rig.consumer({ stuckAfterMs: 2_000, handle: firing() })
      const queue = rig.queue()
      await queue.pause()
      const timers = await schedule(1)
      await eventually(() => expect(rig.heard(/queue is paused/)).toBeDefined())
      expect(await statuses(timers)).toEqual(['pending'])
      await queue.resume()
      await allFired(timers)
      expect(rig.heard(/restarting the consumer/)).toBeUndefined()
    })

    test('lets a consumer be whose hands are all busy', async () => {
      const { passed, open } = gate()
      const timers = await schedule(8)
      const consumer = await rig.consumer({
        concurrency: 3,
        stuckAfterMs: 100,
        handle: firing(async () => {
          await passed
          return delivered()
        }),
      })
      await eventually(() => expect(consumer.inFlight).toBe(3))
      await eventually(async () => expect((await consumer.census())?.overdue).toBe(5))
      const { restarts } = consumer
      // Many looks later.
      for (let looks = 0; looks < 10; looks += 1) await sleep(50)
      expect(consumer.restarts).toBe(restarts)
      expect(consumer.inFlight).toBe(3)
      open()
      await allFired(timers)
    })
  })
})
