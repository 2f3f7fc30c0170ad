import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@timers/lab'
import { allFired, gate, RECOVERY, reshard, rig, schedule, store, useConsumerBed } from './consumer-bed.ts'
import { firing } from './firing.ts'
import { delivered, draft } from './rig.ts'

const HOUR = 3_600_000

describe('the timer consumer', () => {
  useConsumerBed()

  test('fires what is overdue when it starts, each once', async () => {
    const timers = await schedule(50)
    const seen: number[] = []
    await rig.consumer({
      handle: firing(({ timer }) => {
        seen.push(timer.id)
        return delivered()
      }),
    })
    await allFired(timers)
    expect(seen.toSorted((a, b) => a - b)).toEqual(timers.map(({ id }) => id).toSorted((a, b) => a - b))
    await eventually(async () => expect(await rig.client.zcard(rig.keys().key('completed'))).toBe(50))
    expect(await rig.client.keys('*:lock')).toEqual([])
  })

  test('started anew with a timer in hand, as where shards are added, it was seconds late with the next one', async () => {
    const { passed, open } = gate()
    /** Connections of BullMQ's Workers that wait for the next timer. */
    const waiting = async () => {
      const clients = String(await rig.redis.command('CLIENT', 'LIST')).split('\n')
      return clients.filter((line) => /\bcmd=bzpopmin/.test(line)).map((line) => line.split(' ')[0])
    }
    const [held] = await schedule(1)
    let lateMs: number | undefined
    const consumer = await rig.consumer({
      // More than one for each of BullMQ's Workers: the one that holds it waits for another beside it.
      concurrency: 20,
      handle: firing(async ({ timer }) => {
        if (timer.id === held?.id) await passed
        else lateMs = Date.now() - timer.dueAt
        return delivered()
      }),
    })
    try {
      await eventually(() => expect(consumer.inFlight).toBe(1))
      const before = await eventually(async () => {
        expect(await waiting()).toHaveLength(4)
        return waiting()
      })
      await consumer.restart()
      await eventually(async () =>
        expect((await waiting()).filter((client) => !before.includes(client))).toHaveLength(4),
      )
      await schedule(1, 100)
      await eventually(() => expect(lateMs).toBeDefined(), RECOVERY)
      expect(lateMs).toBeLessThan(1_000)
    } finally {
      open()
    }
  })

  test('waits for a Redis that comes only after the start', async () => {
    const timers = await schedule(3)
    await rig.redis.kill()
    const consumer = rig.newConsumer({ handle: firing() })
    const started = consumer.start()
    expect(consumer.health().ready).toBe(false)
    await rig.redis.restart()
    await started
    await allFired(timers, { timeoutMs: 10_000 })
  })

  test('fires the timers of all shards', async () => {
    await reshard(3)
    const timers = await schedule(12)
    await rig.consumer({ shards: 3, handle: firing() })
    await allFired(timers)
  })

  test('never hands a timer over early, not by a millisecond', async () => {
    const early: number[] = []
    await rig.consumer({
      concurrency: 50,
      handle: firing(({ timer }) => {
        if (Date.now() < timer.dueAt) early.push(timer.id)
        return delivered()
      }),
    })
    const delays = Array.from({ length: 200 }, (_, index) => 1 + ((index * 37) % 1_000))
    const timers = await Promise.all(delays.map((delayMs) => store.create(draft(delayMs))))
    await allFired(timers)
    expect(early).toEqual([])
  })

  test('never hands a timer over early, also when someone promoted it by hand', async () => {
    const handedOver: [number, number][] = []
    await rig.consumer({
      handle: firing(({ timer }) => {
        handedOver.push([timer.id, Date.now()])
        return delivered()
      }),
    })
    const queue = rig.queue()
    const soon = await store.create(draft(1_500))
    const later = await store.create(draft(HOUR))
    for (const { id } of [soon, later]) await (await queue.getJob(`t${id}`))?.promote()
    await allFired([soon])
    expect(handedOver).toHaveLength(1)
    expect(handedOver[0]?.[0]).toBe(soon.id)
    expect(handedOver[0]?.[1]).toBeGreaterThanOrEqual(soon.dueAt)
    expect(await rig.places(later.id)).toEqual(['delayed'])
    expect(await store.find(later.id)).toMatchObject({ status: 'pending', attempts: 0, dueAt: later.dueAt })
  })

  test('more shards than hands: was more in hand than allowed, and is refused', () => {
    const newConsumer = () => rig.newConsumer({ shards: 5, concurrency: 4, handle: firing() })
    expect(newConsumer).toThrow('4 hands are too few for 5 shards')
  })

  test('a timer that was fetched just as its place was given away was in nobody’s hands until its lock ran out', async () => {
    const timers = await schedule(600)
    const takenOver: number[] = []
    await rig.consumer({
      concurrency: 400,
      handle: async (due) => {
        if (due.takenOver) takenOver.push(due.timer.id)
        // A hand that waits gives its place away 100 ms after its claim.
        await firing(async ({ timer }) => {
          await sleep(92 + (timer.id % 16))
          return delivered()
        })(due)
      },
    })
    await allFired(timers, RECOVERY)
    expect(takenOver).toEqual([])
  })

  test('uses all its hands and no more, also where their number does not divide evenly', async () => {
    const { passed, open } = gate()
    const timers = await schedule(30)
    let most = 0
    const consumer = await rig.consumer({
      concurrency: 6,
      handle: firing(async () => {
        most = Math.max(most, consumer.inFlight)
        await passed
        return delivered()
      }),
    })
    await eventually(() => expect(consumer.inFlight).toBe(6))
    open()
    await allFired(timers)
    expect(most).toBe(6)
    await eventually(() => expect(consumer.inFlight).toBe(0))
  })

  test('out of memory: what is due fires all the same, and comes to rest where it belongs', async () => {
    const timers = await schedule(40, 400)
    await rig.redis.command('CONFIG', 'SET', 'maxmemory', '1')
    try {
      await expect(store.create(draft(60_000))).rejects.toMatchObject({ code: 'STORE_REFUSED' })
      await rig.consumer({ handle: firing() })
      await allFired(timers)
      for (const { id } of timers) {
        await eventually(async () => expect(await rig.places(id)).toEqual(['completed']))
      }
    } finally {
      await rig.redis.command('CONFIG', 'SET', 'maxmemory', '0')
    }
  })
})
