import type { TimerDraft } from '@timers/core'
import { eventually, startTcpProxy, type TcpProxy, timed } from '@timers/lab'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { draft, Rig } from './rig.ts'

/** What the API promises a client, in milliseconds. */
const ANSWER_MS = 2_000

async function inTime<T>(work: Promise<T>): Promise<T> {
  const { value, tookMs } = await timed(() => Promise.allSettled([work]))
  expect(tookMs).toBeLessThan(ANSWER_MS)
  const [answer] = value
  if (answer.status === 'rejected') throw answer.reason
  return answer.value
}

describe('the timer store', () => {
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  afterEach(() => rig.reset())

  const HOUR = 3_600_000
  const jobs = async () => (await rig.client.keys('*')).filter((key) => /:t\d+$/.test(key))

  async function proxied(): Promise<{ proxy: TcpProxy; redisUrl: string }> {
    const proxy = await startTcpProxy({ targetPort: rig.redis.port })
    rig.onClose(() => proxy.close())
    return { proxy, redisUrl: `redis://127.0.0.1:${proxy.port}` }
  }

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
      ['has lost its tail', () => rig.client.set(rig.keys().ids, '0')],
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

    test('another number of them than the data was made with is refused, with what to set', async () => {
      await rig.store({ shards: 2 })
      const store = rig.newStore({ shards: 3 })
      const error = await store.failed
      expect(error).toMatchObject({ code: 'SHARD_MISMATCH' })
      expect(error.message).toMatch(/in 2 shards, and TIMER_SHARDS is 3: set TIMER_SHARDS=2/)
      expect(store.health().ready).toBe(false)
      await expect(store.create(draft(HOUR))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
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

  describe('with Redis away', () => {
    afterEach(async () => {
      rig.redis.resume()
      if (rig.redis.pid === undefined) await rig.redis.restart()
    })

    test('a Redis that is paused: an error within 2 s, and all is well after', async () => {
      const store = await rig.store()
      const { id } = await store.create(draft(HOUR))
      rig.redis.pause()
      const answers = await Promise.allSettled([
        inTime(store.create(draft(HOUR))),
        inTime(store.find(id)),
        inTime(store.create(draft(HOUR))),
      ])
      for (const answer of answers) {
        expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } })
      }
      rig.redis.resume()
      await eventually(() => store.create(draft(HOUR)))
      await eventually(async () => expect(await store.find(id)).toBeDefined())
    })

    test('a Redis that is gone: an error at once, not ready, and all is well when it is back', async () => {
      const store = await rig.store()
      const { id } = await store.create(draft(HOUR))
      await rig.redis.kill()
      await eventually(() =>
        expect(store.health()).toMatchObject({ ready: false, problems: ['Redis cannot be reached'] }),
      )
      await expect(inTime(store.create(draft(HOUR)))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
      await expect(inTime(store.find(id))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
      await rig.redis.restart()
      await eventually(() => expect(store.health().ready).toBe(true))
      expect(await store.find(id)).toBeDefined()
      await store.create(draft(HOUR))
    })

    test('a Redis that comes only after the start', async () => {
      await rig.redis.kill()
      const store = rig.newStore()
      await store.start()
      await expect(inTime(store.create(draft(HOUR)))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
      await rig.redis.restart()
      await eventually(() => store.create(draft(HOUR)))
    })

    test('an acknowledged timer is there after a kill -9 of Redis', async () => {
      const store = await rig.store()
      const { id } = await store.create(draft(HOUR))
      await rig.redis.restart()
      await eventually(async () => expect(await store.find(id)).toMatchObject({ status: 'pending' }))
      expect(await rig.places(id)).toEqual(['delayed'])
    })
  })

  test('an add whose reply was cut off is sent again and lands on the same job', async () => {
    const { proxy, redisUrl } = await proxied()
    const store = await rig.store({ redisUrl })
    // The script is known to the server after this, so that the next reply is the add's.
    await store.create(draft(HOUR))
    const cut = proxy.cutReplies()
    const { id } = await store.create(draft(HOUR))
    await cut
    expect(id).toBe(2)
    expect(await jobs()).toHaveLength(2)
    expect(await rig.client.zcard(rig.keys().key('delayed'))).toBe(2)
    expect(await store.find(2)).toMatchObject({ status: 'pending' })
  })

  describe('a Redis that takes no writes', () => {
    const OUT_OF_MEMORY = '1'

    afterEach(() => rig.redis.command('CONFIG', 'SET', 'maxmemory', '0'))

    test('out of memory: refused, nothing is stored, and taken again after', async () => {
      const store = await rig.store()
      const { id } = await store.create(draft(HOUR))
      await rig.redis.command('CONFIG', 'SET', 'maxmemory', OUT_OF_MEMORY)
      await expect(store.create(draft(HOUR))).rejects.toMatchObject({ code: 'STORE_REFUSED' })
      expect(await jobs()).toHaveLength(1)
      expect(await store.find(id)).toMatchObject({ status: 'pending' })
      await rig.redis.command('CONFIG', 'SET', 'maxmemory', '0')
      await store.create(draft(HOUR))
    })

    test('a create that was stored and lost its reply is told as stored, although its resend would be refused', async () => {
      const { proxy, redisUrl } = await proxied()
      const store = await rig.store({ redisUrl })
      await store.create(draft(HOUR))
      const cut = proxy.cutReplies()
      const adding = store.create(draft(HOUR))
      await cut
      await rig.redis.command('CONFIG', 'SET', 'maxmemory', OUT_OF_MEMORY)
      expect(await adding).toMatchObject({ id: 2 })
      expect(await jobs()).toHaveLength(2)
    })

    test('was taken for a Redis that is away, and timers could not even be read', async () => {
      const { id } = await (await rig.store()).create(draft(HOUR))
      await rig.redis.command('CONFIG', 'SET', 'maxmemory', OUT_OF_MEMORY)
      const store = await rig.store()
      expect(await store.find(id)).toMatchObject({ status: 'pending' })
      await expect(store.create(draft(HOUR))).rejects.toMatchObject({ code: 'STORE_REFUSED' })
    })
  })

  test('one check that failed kept the store closed for ten seconds', async () => {
    await rig.redis.command('ACL', 'SETUSER', 'default', '-time')
    try {
      const store = rig.newStore()
      await eventually(() => expect(rig.heard(/could not be checked/)).toBeDefined())
      expect(store.health().ready).toBe(false)
      await rig.redis.command('ACL', 'SETUSER', 'default', '+time')
      await eventually(() => expect(store.health().ready).toBe(true), { timeoutMs: 4_000 })
      expect(rig.said.filter(({ message }) => /could not be checked/.test(message))).toHaveLength(1)
    } finally {
      await rig.redis.command('ACL', 'SETUSER', 'default', '+time')
    }
  })
})
