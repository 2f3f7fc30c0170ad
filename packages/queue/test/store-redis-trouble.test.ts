import { eventually, timed } from '@timers/lab'
import { draft } from './rig.ts'
import { HOUR, jobs, proxied, rig, useStoreBed } from './store-bed.ts'

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
  useStoreBed()

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
