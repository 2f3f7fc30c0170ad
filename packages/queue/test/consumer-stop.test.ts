import { eventually } from '@timers/lab'
import { allFired, gate, rig, schedule, statuses, useConsumerBed } from './consumer-bed.ts'
import { firing } from './firing.ts'
import { delivered } from './rig.ts'

describe('the timer consumer', () => {
  useConsumerBed()

  describe('stop', () => {
    test('waits for what is in hand, and takes nothing new', async () => {
      const { passed, open } = gate()
      const timers = await schedule(3)
      const consumer = await rig.consumer({
        concurrency: 1,
        handle: firing(async () => {
          await passed
          return delivered()
        }),
      })
      await eventually(() => expect(consumer.inFlight).toBe(1))
      let stopped = false
      const stopping = consumer.stop().then(() => {
        stopped = true
      })
      // A timer that another consumer fires: time enough for a stop that does not wait.
      const other = await rig.consumer({ handle: firing() })
      await eventually(async () =>
        expect((await statuses(timers)).filter((status) => status === 'fired')).toHaveLength(2),
      )
      expect(stopped).toBe(false)
      open()
      await stopping
      await allFired(timers)
      await other.stop()
    })

    test('returns with empty hands although Redis is away, and nothing of it goes on: its process did not end', async () => {
      // Those that keep a process alive.
      const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length
      const before = timers()
      const consumer = await rig.consumer({ handle: firing() })
      await allFired(await schedule(1))
      await rig.redis.kill()
      try {
        await consumer.stop()
      } finally {
        await rig.redis.restart()
      }
      const [timer] = await schedule(1).catch(() => eventually(() => schedule(1)))
      await eventually(async () => expect(await rig.client.client('LIST')).toContain('timers-reader'))
      expect(await rig.client.client('LIST')).not.toContain('name=timers-worker')
      await eventually(() => expect(timers()).toBeLessThanOrEqual(before))
      expect(await statuses([{ id: timer?.id ?? 0 }])).toEqual(['pending'])
    })

    test('before the start came about: never starts', async () => {
      await rig.redis.kill()
      const seen: number[] = []
      const consumer = rig.newConsumer({
        handle: async ({ timer }) => {
          seen.push(timer.id)
        },
      })
      void consumer.start()
      await consumer.stop()
      await rig.redis.restart()
      const timers = await eventually(() => schedule(1))
      const other = await rig.consumer({ handle: firing() })
      await allFired(timers)
      await other.stop()
      expect(seen).toEqual([])
    })
  })
})
