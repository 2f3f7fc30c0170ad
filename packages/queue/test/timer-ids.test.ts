import { eventually } from '@timers/lab'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { draft } from './rig.ts'
import { HOUR, jobs, proxied, rig, useStoreBed } from './store-bed.ts'

describe('the timer store', () => {
  useStoreBed()

  async function producers(): Promise<string[]> {
    const list = (await rig.client.client('LIST')) as string
    return [...list.matchAll(/^id=(\d+) .*name=timers-producer /gm)].map(([, id]) => String(id))
  }

  /** Cuts the producers' connections and waits until there are others. Returns the id of the first timer after that. */
  async function cutProducer(store: RedisTimerStore): Promise<number> {
    const before = await producers()
    for (const id of before) await rig.client.client('KILL', 'ID', id)
    await eventually(async () => {
      const after = await producers()
      expect(after).toHaveLength(before.length)
      expect(after.filter((id) => before.includes(id))).toEqual([])
    })
    return eventually(async () => (await store.create(draft(HOUR))).id)
  }

  describe('ids', () => {
    test('begin with 1 and go up by one', async () => {
      const store = await rig.store()
      for (const id of [1, 2, 3]) expect((await store.create(draft(HOUR))).id).toBe(id)
    })

    test('are unique over two processes, at any rate of creating', async () => {
      const stores = [await rig.store(), await rig.store()]
      const timers = await Promise.all(
        Array.from({ length: 500 }, (_, index) => (stores[index % 2] as RedisTimerStore).create(draft(HOUR))),
      )
      expect(new Set(timers.map(({ id }) => id)).size).toBe(500)
      expect(await jobs()).toHaveLength(500)
    })

    test('what is left of a block is thrown away with the connection it came over', async () => {
      const store = await rig.store()
      await store.create(draft(HOUR))
      expect(await cutProducer(store)).toBeGreaterThan(100)
    })

    test.each([
      ['has lost its tail', () => rig.client.set(rig.keys().key('ids'), '0')],
      ['has lost everything', () => rig.redis.flush()],
    ])('are never given out twice by one process, also by a Redis that %s', async (_, lose) => {
      const store = await rig.store()
      const before = await Promise.all(Array.from({ length: 250 }, () => store.create(draft(HOUR))))
      await lose()
      const after = [await cutProducer(store)]
      for (let count = 0; count < 150; count += 1) after.push((await store.create(draft(HOUR))).id)
      const ids = [...before.map(({ id }) => id), ...after]
      expect(new Set(ids).size).toBe(ids.length)
    })

    test('are unique while connections break all the time', async () => {
      const { proxy, redisUrl } = await proxied()
      const stores = [await rig.store({ redisUrl }), await rig.store()]
      const ids: number[] = []
      for (let round = 0; round < 10; round += 1) {
        const creates = Array.from({ length: 30 }, (_, index) =>
          (stores[index % 2] as RedisTimerStore).create(draft(HOUR)).then(
            ({ id }) => ids.push(id),
            () => {},
          ),
        )
        proxy.dropConnections()
        await Promise.all(creates)
        await eventually(() => expect(stores[0]?.health().ready).toBe(true))
      }
      expect(ids.length).toBeGreaterThanOrEqual(150)
      expect(new Set(ids).size).toBe(ids.length)
      const stored = new Set(await jobs())
      for (const id of ids) expect(stored).toContain(rig.keys().key(`t${id}`))
    })
  })
})
