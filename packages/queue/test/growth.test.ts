import type { DueTimer } from '@timers/core'
import { eventually } from '@timers/lab'
import { Growth } from '../src/shards/growth.ts'
import { grow, HOUR, knows, operator, plain } from './growth-bed.ts'
import { delivered, draft, fired, Rig } from './rig.ts'

describe('more shards', () => {
  let rig: Rig
  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  afterEach(() => rig.reset())

  const shardOf = async (id: number): Promise<number> => {
    const [key = ''] = await rig.client.keys(`test:{*}:t${id}`)
    return Number(/\{(\d+)\}/.exec(key)?.[1])
  }

  test('old ids stay where they are, new ones go to all shards, and none comes twice', async () => {
    const store = await rig.store()
    const before = await plain(store, 20)
    await grow(rig, 4)
    const meanwhile = await plain(store, 20)
    await knows(store, 4)
    const after = await plain(store, 20)
    const all = [...before, ...meanwhile, ...after]
    expect(new Set(all).size).toBe(60)
    for (const id of all) expect((await store.find(id))?.id).toBe(id)
    for (const id of before) expect(await shardOf(id)).toBe(0)
    for (const shard of [0, 1, 2, 3]) expect(await Promise.all(after.map(shardOf))).toContain(shard)
    await grow(rig, 6)
    await knows(store, 6)
    const last = await plain(store, 24)
    expect(new Set([...all, ...last]).size).toBe(84)
    for (const id of [...all, ...last]) expect((await store.find(id))?.id).toBe(id)
    for (const shard of [4, 5]) expect(await Promise.all(last.map(shardOf))).toContain(shard)
  })

  test('a process that has not heard of them said 404 of timers in new shards', async () => {
    const [stale, other] = [await rig.store(), await rig.store()]
    await plain(stale, 3)
    await grow(rig, 4)
    await knows(other, 4)
    const ids = await plain(other, 8)
    // Each with a process that knows one shard only.
    for (const [at, id] of ids.entries()) {
      const fresh = at === 0 ? stale : await rig.store({ shards: 1 })
      expect((await fresh.find(id))?.id).toBe(id)
      expect((await fresh.change(id, { payload: '1' }))?.payload).toBe('1')
      expect((await fresh.cancel(id))?.status).toBe('cancelled')
    }
    expect(await stale.find(999_999_999)).toBeUndefined()
  })

  test('a bulk cancel of a process that has not heard of them', async () => {
    const [stale, other] = [await rig.store(), await rig.store()]
    await grow(rig, 4)
    await knows(other, 4)
    const ids = await plain(other, 8)
    const acted = await stale.cancelAll([...ids, 5], 1_500)
    expect(acted).toEqual([...ids.map(() => 'done'), 'missing'])
  })

  test('a callback has an id of the layout that its shard follows, and no other has it', async () => {
    const events = { url: 'https://receiver.example/events', on: ['cancelled'] } as const
    const store = await rig.store({ shards: 2, events })
    const ids = await plain(store, 6)
    await store.cancel(ids[0] as number)
    await grow(rig, 5)
    await knows(store, 5)
    ids.push(...(await plain(store, 10)))
    for (const id of ids.slice(1)) await store.cancel(id)
    const { layouts } = (await operator(rig)).layouts
    for (let shard = 0; shard < 5; shard += 1) {
      const callbacks = await rig.client.zrange(`test:{${shard}}:outbox`, 0, '-1')
      for (const id of callbacks.map((jobId) => Number(jobId.slice(1)))) {
        expect(layouts.shardOf(id)).toBe(shard)
        ids.push(id)
      }
    }
    expect(ids).toHaveLength(32)
    expect(new Set(ids).size).toBe(32)
  })

  test('growing is repeated, done by two at once, and refused downwards', async () => {
    const store = await rig.store({ shards: 2 })
    await plain(store, 4)
    const said: string[] = []
    const both = await Promise.all([
      grow(rig, 5, { tell: (step) => void said.push(step) }),
      grow(rig, 5),
      grow(rig, 5),
    ])
    expect(both).toContain(true)
    expect(said.join('\n')).toMatch(/all 5 shards follow layout 1; all take new timers/)
    expect(await grow(rig, 5)).toBe(false)
    expect((await operator(rig)).layouts.layouts.list.map(({ shards }) => shards)).toEqual([2, 5])
    await expect(grow(rig, 3)).rejects.toThrow(/live in 5 shards, and there are never fewer/)
  })

  test('two who want different numbers at once', async () => {
    await plain(await rig.store(), 4)
    await Promise.allSettled([grow(rig, 3), grow(rig, 6), grow(rig, 4)])
    const { layouts, settled } = (await operator(rig)).layouts
    expect(layouts.shards).toBe(6)
    expect(settled).toBe(layouts.number)
    const shards = layouts.list.map((layout) => layout.shards)
    expect(shards).toEqual([...shards].sort())
  })

  test('a release that knows nothing of layouts keeps out', async () => {
    await plain(await rig.store(), 1)
    await grow(rig, 2)
    expect(await rig.client.get(rig.keys().format)).toBe('4')
  })

  test('data of format 2 is brought into the present format first', async () => {
    await rig.client.set(rig.keys().shardCount, '2')
    await rig.client.set(rig.keys().format, '2')
    await expect(grow(rig, 4)).rejects.toThrow(/let a worker run/)
    await rig.client.set(rig.keys().format, '3')
    expect(await grow(rig, 4)).toBe(true)
    expect((await operator(rig)).layouts.layouts.list[0]).toEqual({ from: 0, shards: 2 })
  })

  test('a worker takes from new shards, and finishes what it had in hand', async () => {
    const store = await rig.store()
    const handled: number[] = []
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const handle = async (due: DueTimer): Promise<void> => {
      const claim = await due.claim()
      if (handled.push(due.timer.id) === 1) await held
      if (claim.kind === 'granted') await due.settle(claim.attempt, delivered(), fired)
    }
    const consumer = await rig.consumer({ handle, concurrency: 2 })
    rig.onClose(release)
    const first = await store.create(draft(0))
    await eventually(() => expect(handled).toEqual([first.id]))
    await grow(rig, 4)
    await knows(store, 4)
    const ids = await Promise.all(
      Array.from({ length: 12 }, () => eventually(async () => (await store.create(draft(10))).id)),
    )
    await eventually(() => expect(handled.toSorted()).toEqual([first.id, ...ids].toSorted()))
    await eventually(() => expect(consumer.inFlight).toBe(1))
    expect(consumer.health().problems).toContainEqual(
      expect.stringContaining('WORKER_CONCURRENCY is 2, and there are 4 shards'),
    )
    release()
    await eventually(async () => {
      for (const id of [first.id, ...ids]) expect((await store.find(id))?.status).toBe('fired')
      expect(consumer.inFlight).toBe(0)
    })
  })

  test('numbers that have come to their end before the shards followed the new layout', async () => {
    const store = await rig.store()
    const before = await plain(store, 3)
    // Somebody began, and left it: the numbers end, and no layout comes after them.
    await rig.client.set(rig.keys().key('ids:end'), '150')
    const ids: number[] = []
    await eventually(
      async () => {
        ids.push((await store.create(draft(HOUR))).id)
        expect(ids.length).toBeGreaterThan(200)
      },
      { timeoutMs: 20_000 },
    )
    expect(new Set([...before, ...ids]).size).toBe(3 + ids.length)
    for (const id of [...before, ...ids]) expect((await store.find(id))?.id).toBe(id)
    expect((await operator(rig)).layouts.layouts.list).toHaveLength(2)
  })

  test('a Redis that has forgotten the new layout is told of it again', async () => {
    const store = await rig.store()
    await grow(rig, 4)
    await knows(store, 4)
    const before = await plain(store, 8)
    for (const key of ['test:{0}:layouts', 'test:{0}:layout', 'test:{2}:layout']) await rig.client.del(key)
    await eventually(async () => expect(await rig.client.get('test:{0}:layouts')).toMatch(/^1 \d+:4$/))
    const after = await plain(store, 450)
    expect(new Set([...before, ...after]).size).toBe(458)
    expect(await rig.client.get('test:{2}:layout')).toMatch(/^1:\d+:4$/)
    for (const id of [...before, ...after]) expect((await store.find(id))?.id).toBe(id)
  })

  test('a Growth that was left at any step is finished by the next one', async () => {
    const store = await rig.store()
    await plain(store, 3)
    for (let left = 1; left <= 8; left += 1) {
      const to = left + 1
      let step = 0
      const leaving = new Growth(await operator(rig), {
        readByAllMs: 0,
        tell: () => {
          step += 1
          if (step === left) throw new Error('the command was killed')
        },
      })
      await leaving.grow(to).catch(() => {})
      const ids = await plain(store, 5)
      for (const id of ids) expect((await store.find(id))?.id).toBe(id)
      await grow(rig, to)
      const { layouts, settled } = (await operator(rig)).layouts
      expect([layouts.shards, settled]).toEqual([to, layouts.number])
    }
  })
})
