import { eventually, startTestSentinel } from '@timers/lab'
import { startTestApi } from './test-api.ts'

test('a create that too few replicas have: 503 that says so, and the same key finds it when they are back', async () => {
  // No Sentinel takes the primary for gone.
  const sentinel = await startTestSentinel({ downAfterMs: 60_000 })
  const api = await startTestApi({ redisUrl: sentinel.url, env: { REDIS_REPLICA_ACKS: '1' } })
  const [replica] = await sentinel.redis.replicas()
  try {
    await api.ready()
    const post = (key: string) =>
      api.app.inject({
        method: 'POST',
        url: '/timers',
        headers: { 'idempotency-key': key },
        payload: { hours: 1, url: 'https://receiver.example/hook' },
      })
    expect((await post('first')).statusCode).toBe(201)
    replica?.freeze()
    const [refused, batch] = await Promise.all([
      post('second'),
      api.app.inject({
        method: 'POST',
        url: '/timers/batch',
        payload: { timers: [{ hours: 1, url: 'https://receiver.example/hook' }] },
      }),
    ])
    expect(refused.statusCode).toBe(503)
    expect(refused.json().code).toBe('STORE_UNAVAILABLE')
    expect(refused.json().detail).toMatch(/^too few replicas of Redis have confirmed it in time\. /)
    expect(refused.json().detail).toMatch(/may or may not have been (created|stored)/)
    expect(batch.json()).toMatchObject({ results: [{ status: 503 }] })
    replica?.thaw()
    const found = await eventually(async () => {
      const reply = await post('second')
      expect(reply.statusCode).toBeLessThan(300)
      return reply
    })
    expect(await api.find(found.json().id)).toMatchObject({ status: 'pending' })
    expect((await post('second')).json()).toMatchObject({ id: found.json().id })
  } finally {
    replica?.thaw()
    await api.close()
    await sentinel.stop()
  }
})
