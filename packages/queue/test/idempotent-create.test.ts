import { startTcpProxy } from '@timers/lab'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { rig, store, useBed } from './bed.ts'
import { draft } from './rig.ts'
import { ALL_ENDED, ALL_UNCLAIMED, refusal, States } from './states.ts'

const HOUR = 3_600_000
const again = { key: 'request-1', fingerprint: 'print' }
const other = { ...again, fingerprint: 'another' }

describe('a create with an idempotency key', () => {
  useBed()

  const timers = async (shards = 1): Promise<string[]> => {
    const found = await rig.client.keys('*')
    expect(
      found.filter((key) => key.includes('{')).every((key) => shards > Number(/\{(\d+)\}/.exec(key)?.[1])),
    ).toBe(true)
    return found.filter((key) => /:t\d+$/.test(key))
  }

  test('sent again is answered as the first time, whatever was changed since', async () => {
    const first = await store.create(draft(HOUR), again)
    const second = await store.create(draft(HOUR), again)
    expect(second).toEqual({ ...first, replayed: true })
    await store.change(first.id, { due: { delayMs: 2 * HOUR } })
    expect(await store.create(draft(HOUR), again)).toEqual(second)
    expect(await refusal(store.create(draft(2 * HOUR), other))).toEqual({ code: 'IDEMPOTENCY_KEY_REUSED' })
    expect((await store.create({ ...draft(HOUR), owner: 'another' }, other)).replayed).toBe(false)
    expect(await timers()).toHaveLength(2)
  })

  test('and a key of its own: the replay comes before the question whether the key is taken', async () => {
    const keyed = { ...draft(HOUR), key: 'order-17' }
    const first = await store.create(keyed, again)
    expect(await store.create(keyed, again)).toEqual({ ...first, replayed: true })
    expect(await refusal(store.create(keyed, { key: 'request-2', fingerprint: 'print' }))).toEqual({
      code: 'KEY_TAKEN',
      timer_id: first.id,
    })
    // What was refused took no key.
    await store.cancel(first.id)
    expect((await store.create(keyed, { key: 'request-2', fingerprint: 'other body' })).replayed).toBe(false)
  })

  test.each([...ALL_UNCLAIMED.filter((where) => where !== 'is promoted'), ...ALL_ENDED])(
    'is known when its timer %s (or is that)',
    async (where) => {
      const states = new States(rig, {
        ...({} as RedisTimerStore),
        create: (wanted) => store.create(wanted, again),
        cancel: (ref) => store.cancel(ref),
        redrive: (ref, options) => store.redrive(ref, options),
        find: (ref) => store.find(ref),
      })
      const isEnd = (ALL_ENDED as readonly string[]).includes(where)
      const id = isEnd
        ? await states.ended(where as (typeof ALL_ENDED)[number])
        : (await states.unclaimed(where as (typeof ALL_UNCLAIMED)[number])).id
      expect(await store.create(draft(1), again)).toMatchObject({ id, replayed: true })
      expect(await refusal(store.create(draft(1), other))).toEqual({ code: 'IDEMPOTENCY_KEY_REUSED' })
    },
  )

  test('six at once by two stores, under each of a hundred keys: one timer a key, and the same answer', async () => {
    const stores = [store, await rig.store()]
    const answers = await Promise.all(
      Array.from({ length: 600 }, (_, turn) =>
        (stores[turn % 2] as RedisTimerStore).create(draft(HOUR), { ...again, key: `key-${turn % 100}` }),
      ),
    )
    const byKey = new Map(answers.map(({ id, dueAt }, turn) => [turn % 100, `${id} ${dueAt}`]))
    expect(answers.map(({ id, dueAt }) => `${id} ${dueAt}`)).toEqual(
      answers.map((_, turn) => byKey.get(turn % 100)),
    )
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(100)
    expect(await timers()).toHaveLength(100)
  })

  test('whose replies are cut off: one timer a key, and the client learns which', async () => {
    const proxy = await startTcpProxy({ targetPort: Number(new URL(rig.redis.url).port) })
    rig.onClose(() => proxy.close())
    const far = await rig.store({ redisUrl: rig.redis.url.replace(/:\d+/, `:${proxy.port}`) })
    await far.create(draft(HOUR))
    for (let round = 0; round < 20; round += 1) {
      const key = `cut-${round}`
      const cut = proxy.cutReplies(1 + (round % 3))
      const ids = new Set<number>()
      for (let sends = 0; sends < 6 || ids.size === 0; sends += 1) {
        const answer = await far.create(draft(HOUR), { ...again, key }).catch(({ code }) => {
          expect(code).toBe('STORE_UNAVAILABLE')
          return undefined
        })
        if (answer !== undefined) ids.add(answer.id)
      }
      await cut
      expect(ids.size).toBe(1)
    }
    expect(await timers()).toHaveLength(21)
  })

  test('costs a timer without one nothing', async () => {
    const { id } = await store.create(draft(HOUR))
    expect(Object.keys(await rig.hash(id)).toSorted()).toEqual(
      ['data', 'delay', 'du', 'name', 'opts', 'priority', 'timestamp'].toSorted(),
    )
    expect((await rig.client.keys('*')).filter((key) => /:(k|i|l):/.test(key))).toEqual([])
  })
})
