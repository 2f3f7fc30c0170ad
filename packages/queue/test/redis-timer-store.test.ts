import type { TimerDraft } from '@timers/core'
import { draft } from './rig.ts'
import { HOUR, rig, useStoreBed } from './store-bed.ts'

describe('the timer store', () => {
  useStoreBed()

  describe('shards', () => {
    test('share the timers out, and every key carries the hash tag of its shard', async () => {
      const store = await rig.store({ shards: 3 })
      const timers = await Promise.all(Array.from({ length: 30 }, () => store.create(draft(HOUR))))
      expect(new Set(timers.map(({ id }) => id)).size).toBe(30)
      const keys = await rig.client.keys('*')
      for (const key of keys) expect(key).toMatch(/^test:\{[012]\}:/)
      for (const shard of [0, 1, 2]) {
        expect(keys.filter((key) => key.startsWith(`test:{${shard}}:t`))).toHaveLength(10)
      }
      for (const { id, dueAt } of timers) {
        expect(keys).toContain(`test:{${(id - 1) % 3}}:t${id}`)
        expect((await store.find(id))?.dueAt).toBe(dueAt)
      }
    })

    test.each([
      [1, /in 2 shards, and TIMER_SHARDS is 1: .* never fewer .*; set TIMER_SHARDS=2/],
      [3, /in 2 shards, and TIMER_SHARDS is 3: .* npm run shards -- --grow 3/],
    ])('TIMER_SHARDS=%i where timers live in two: those are used, and it is said', async (shards, advice) => {
      const first = await rig.store({ shards: 2 })
      const store = await rig.store({ shards })
      expect(store.health()).toMatchObject({ ready: true })
      expect(store.health().advice).toContainEqual(expect.stringMatching(advice))
      expect(rig.heard(advice)).toBeDefined()
      for (let count = 0; count < 6; count += 1) {
        const { id } = await store.create(draft(HOUR))
        expect((await first.find(id))?.id).toBe(id)
        expect(await rig.client.exists(`test:{${(id - 1) % 2}}:t${id}`)).toBe(1)
      }
      expect(await rig.client.keys('test:{2}:*')).toEqual([])
    })
  })

  describe('a created timer', () => {
    test('is a listpack, with nothing in it but what BullMQ asks for and the URL', async () => {
      const store = await rig.store()
      const url = `https://receiver.example/${'x'.repeat(63)}`
      const { id } = await store.create(draft(HOUR, url))
      expect(await rig.client.object('ENCODING', rig.keys().key(`t${id}`))).toBe('listpack')
      const hash = await rig.hash(id)
      expect(Object.keys(hash).sort()).toEqual([
        'data',
        'delay',
        'du',
        'name',
        'opts',
        'priority',
        'timestamp',
      ])
      expect(hash.name).toBe('t')
      expect(JSON.parse(String(hash.data))).toEqual({ u: url })
      expect(JSON.parse(String(hash.opts))).toEqual({ delay: HOUR })
      expect(await rig.places(id)).toEqual(['delayed'])
    })

    test('is found as it was created', async () => {
      const store = await rig.store()
      const wish: TimerDraft = {
        ...draft(HOUR),
        mode: 'at_least_once',
        maxAttempts: 3,
        payload: '{"greeting":"grüß dich"}',
        headers: { 'x-order': '7' },
        requestId: 'r-1',
        traceparent: undefined,
      }
      const before = Date.now()
      const { replayed, ...timer } = await store.create(wish)
      expect(replayed).toBe(false)
      expect(timer).toMatchObject({ url: wish.url, mode: 'at_least_once', maxAttempts: 3 })
      expect(timer.createdAt).toBeGreaterThanOrEqual(before)
      expect(timer.dueAt - timer.createdAt).toBe(HOUR)
      expect(await store.find(timer.id)).toEqual({
        ...timer,
        status: 'pending',
        attempts: 0,
        firedAt: undefined,
        latenessMs: undefined,
        responseStatus: undefined,
        nextAttemptAt: undefined,
        log: [],
      })
    })

    test('its due time stays what it was when someone promotes it by hand', async () => {
      const store = await rig.store()
      const { id, dueAt } = await store.create(draft(HOUR))
      await rig.client.hset(rig.keys().key(`t${id}`), 'delay', 0)
      expect((await store.find(id))?.dueAt).toBe(dueAt)
    })
  })

  test.each([1, 4])('finds nothing where there is nothing, with %i shards', async (shards) => {
    const store = await rig.store({ shards })
    for (const id of [1, 2, 0, -1, 1.5, Number.NaN, 2 ** 53, 1e300]) {
      expect(await store.find(id)).toBeUndefined()
    }
  })

  describe('redrive', () => {
    test('is refused for what is pending, and finds nothing where there is nothing', async () => {
      const store = await rig.store()
      const { id } = await store.create(draft(HOUR))
      await expect(store.redrive(id)).rejects.toMatchObject({ code: 'NOT_REDRIVABLE' })
      expect(await rig.places(id)).toEqual(['delayed'])
      expect(await store.redrive(id + 1)).toBeUndefined()
    })
  })
})
