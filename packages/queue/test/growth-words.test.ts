import type { Created, Idempotency } from '@timers/core'
import { RetentionSweeper } from '../src/consumer/retention.ts'
import { Growth } from '../src/shards/growth.ts'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { grow, HOUR, knows, operator, plain } from './growth-bed.ts'
import { draft, Rig } from './rig.ts'

describe('keys while shards are added', () => {
  let rig: Rig
  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  afterEach(() => rig.reset())

  const KEYS = Array.from({ length: 24 }, (_, at) => `key-${at}`)
  const request = (key: string, fingerprint = 'one'): Idempotency => ({ key, fingerprint })

  /** Unfinished timers by their keys, and all by their idempotency keys, as Redis has them. */
  async function stored(): Promise<Readonly<Record<'ky' | 'ik', string[]>>> {
    const words = { ky: [] as string[], ik: [] as string[] }
    for (const name of await rig.client.keys('test:{*}:t*')) {
      const [ky, ik, st] = await rig.client.hmget(name, 'ky', 'ik', 'st')
      if (ky && !st) words.ky.push(ky)
      if (ik) words.ik.push(ik.split(':')[0] as string)
    }
    return { ky: words.ky.toSorted(), ik: words.ik.toSorted() }
  }

  /** Lets growing go on up to the step that begins so. */
  async function growUpTo(to: number, begin: string): Promise<void> {
    const tell = (step: string) => {
      if (step.startsWith(begin)) throw new Error('killed')
    }
    await expect(new Growth(await operator(rig), { readByAllMs: 0, tell }).grow(to)).rejects.toThrow('killed')
  }

  const homes = async () => {
    const names = await rig.client.keys('test:{*}:k:*')
    return new Set(names.map((name) => /\{\d+\}/.exec(name)?.[0])).size
  }

  test('a key that leads elsewhere now had two timers', async () => {
    const stale = await rig.store()
    for (const key of KEYS) await stale.create({ ...draft(HOUR), key })
    await grow(rig, 5)
    const fresh = await rig.store()
    for (const key of KEYS) {
      for (const store of [fresh, stale]) {
        await expect(store.create({ ...draft(HOUR), key })).rejects.toMatchObject({ code: 'KEY_TAKEN' })
        expect((await store.upsert(key, draft(2 * HOUR), 'replace')).created).toBe(false)
        expect((await store.find({ key }))?.key).toBe(key)
      }
    }
    expect((await stored()).ky).toEqual(KEYS.toSorted())
    for (const key of KEYS) expect((await fresh.cancel({ key }))?.status).toBe('cancelled')
  })

  test('a key is taken to its new home once nothing of it is left in the old one', async () => {
    const store = await rig.store()
    for (const key of KEYS) await store.cancel((await store.create({ ...draft(HOUR), key })).id)
    await grow(rig, 5)
    const fresh = await rig.store()
    // Kept for its retention, a timer keeps its key where it is: it may be redriven.
    for (const key of KEYS.slice(0, 12)) await fresh.create({ ...draft(HOUR), key })
    expect(await homes()).toBe(1)
    expect(await new RetentionSweeper(await operator(rig), 0, rig.log).sweep()).toBe(KEYS.length)
    for (const key of KEYS.slice(12)) await fresh.create({ ...draft(HOUR), key })
    expect(await homes()).toBeGreaterThan(2)
    for (const key of KEYS) {
      await expect(store.create({ ...draft(HOUR), key })).rejects.toMatchObject({ code: 'KEY_TAKEN' })
    }
    expect((await stored()).ky).toEqual(KEYS.toSorted())
  })

  test.each([
    'shard 0: its numbers end',
    'shard 0: recorded layout 1',
    'shard 3: follows',
    'shard 4: follows',
    'shard 0: follows',
    'shard 1: follows',
    'shard 0: recorded that all',
  ])('half way, after "%s": many processes put the same keys at once', async (begin) => {
    const before = [await rig.store({ shards: 2 }), await rig.store({ shards: 2 })]
    await plain(before[0] as RedisTimerStore, 1)
    await growUpTo(5, begin)
    const all = [...before, await rig.store({ shards: 2 }), await rig.store({ shards: 5 })]
    const put = (key: string) => Promise.all(all.map((store) => store.upsert(key, draft(HOUR), 'replace')))
    const once = (key: string) => Promise.all(all.map((store) => store.create(draft(HOUR), request(key))))
    const [puts, onces] = await Promise.all([Promise.all(KEYS.map(put)), Promise.all(KEYS.map(once))])
    await grow(rig, 5)
    const [again, onceAgain] = await Promise.all([Promise.all(KEYS.map(put)), Promise.all(KEYS.map(once))])
    for (const [at, same] of [...puts, ...again].entries()) {
      const first = puts[at % KEYS.length]?.[0]?.timer.id
      expect(same.map(({ timer }) => timer.id)).toEqual(all.map(() => first))
    }
    for (const [at, same] of [...onces, ...onceAgain].entries()) {
      const first = onces[at % KEYS.length]?.[0]?.id
      expect(same.map(({ id }) => id)).toEqual(all.map(() => first))
    }
    const words = await stored()
    expect(words.ky).toEqual(KEYS.toSorted())
    expect(new Set(words.ik).size).toBe(KEYS.length)
    expect(words.ik).toHaveLength(KEYS.length)
  })

  test('a batch is created also where a failover has forgotten the layout that a shard follows, as a single timer is', async () => {
    const stale = await rig.store()
    await plain(stale, 1)
    const growing = await operator(rig)
    await new Growth(growing, { readByAllMs: 0 }).grow(5)
    // It would tell Redis again.
    growing.close()
    await rig.client.del(rig.keys().layouts)
    const batch = KEYS.map((key) => ({ draft: { ...draft(HOUR), key } }))
    for (const created of await stale.createAll(batch)) expect(created).toMatchObject({ replayed: false })
    expect((await stored()).ky).toEqual(KEYS.toSorted())
  })

  test('a batch is created once, whoever sends it, and however far growing has come', async () => {
    const stale = await rig.store({ shards: 2 })
    const batch = KEYS.map((key, at) => ({
      draft: at % 2 === 0 ? draft(HOUR) : { ...draft(HOUR), key },
      idempotency: request(`again-${key}`),
    }))
    const ids = (created: readonly (Created | Error)[]) =>
      created.map((each) => ('id' in each ? each.id : each))
    const first = ids(await stale.createAll(batch.slice(0, 8)))
    await growUpTo(5, 'shard 0: follows')
    const half = ids(await stale.createAll(batch.slice(0, 16)))
    await grow(rig, 5)
    await knows(stale, 5)
    const fresh = await rig.store()
    const whole = ids(await fresh.createAll(batch))
    expect(half.slice(0, 8)).toEqual(first)
    expect(whole.slice(0, 16)).toEqual(half)
    expect(new Set(whole).size).toBe(KEYS.length)
    expect(ids(await stale.createAll(batch))).toEqual(whole)
  })

  test('another request under an idempotency key was let in, where both of its keys led elsewhere by then', async () => {
    const stale = await rig.store({ shards: 2 })
    for (const key of KEYS) await stale.create({ ...draft(HOUR), key }, request(`again-${key}`))
    await growUpTo(5, 'shard 0: follows')
    for (const store of [stale, await rig.store(), await rig.store()]) {
      for (const key of KEYS) {
        expect((await store.create({ ...draft(HOUR), key }, request(`again-${key}`))).replayed).toBe(true)
        const other = { ...draft(HOUR), key: `other-${key}` }
        await expect(store.create(other, request(`again-${key}`, 'two'))).rejects.toMatchObject({
          code: 'IDEMPOTENCY_KEY_REUSED',
        })
      }
      await grow(rig, 5)
    }
    expect((await stored()).ky).toEqual(KEYS.toSorted())
  })
})
