import { connect, type Socket } from 'node:net'
import { eventually, startTcpProxy } from '@timers/lab'
import { api, good, PROMISED_MS, redis, send, stored } from './batch-bed.ts'
import { startTestApi } from './test-api.ts'

describe('a batch while Redis is in trouble', () => {
  const keyed = (name: string, count = 1_000) =>
    Array.from({ length: count }, (_, index) => good({ idempotency_key: `${name}-${index}` }))

  it('answers 503 for each timer within two seconds while Redis hangs, and what is sent again is created once', async () => {
    const timers = keyed('hung')
    const before = await stored()
    redis.pause()
    const { reply, results, tookMs } = await send({
      timers: [...timers.slice(0, 998), good(), { minutes: 5 }],
    })
    redis.resume()
    expect(tookMs).toBeLessThan(PROMISED_MS)
    expect(reply.statusCode).toBe(207)
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
    expect(results.slice(0, 999).every(({ status }) => status === 503)).toBe(true)
    expect(results[0]?.problem).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      detail: expect.stringContaining('same idempotency_key'),
    })
    expect(results[998]?.problem.detail).toMatch(/creates another one/)
    expect(results[999]).toMatchObject({ status: 400 })

    await api.ready()
    const again = await eventually(async () => {
      const { results: second } = await send({ timers })
      expect(second.every(({ status }) => status === 201)).toBe(true)
      return second
    })
    expect(new Set(again.map(({ timer }) => timer.id)).size).toBe(1_000)
    // All of these, and at most the one that had no idempotency key.
    expect((await stored()) - before - 1_000).toBeLessThanOrEqual(1)
  })

  it('tells which timers are created where Redis is cut away in the middle, and sent again there is one timer a key', async () => {
    const proxy = await startTcpProxy({ targetPort: redis.port })
    const cut = await startTestApi({
      redisUrl: `redis://127.0.0.1:${proxy.port}`,
      env: { TIMER_SHARDS: '2' },
    })
    try {
      await cut.ready()
      const timers = keyed('cut')
      const before = await stored()
      proxy.setDelay(50)
      const answer = send({ timers }, { to: cut })
      // More than the steps that go out at first: some were answered by then.
      await eventually(async () => expect(await stored()).toBeGreaterThan(before + 400))
      await proxy.setMode('refuse')
      const { reply, results, tookMs } = await answer
      expect(reply.statusCode).toBe(207)
      expect(tookMs).toBeLessThan(PROMISED_MS)
      const known = results.filter(({ status }) => status === 201)
      expect(results.filter(({ status }) => status === 503)).toHaveLength(1_000 - known.length)
      expect(known.length).toBeGreaterThan(0)
      expect(known.length).toBeLessThan(1_000)

      proxy.setDelay(0)
      await proxy.setMode('forward')
      await cut.ready()
      const again = await eventually(async () => {
        const { results: second } = await send({ timers }, { to: cut })
        expect(second.every(({ status }) => status === 201)).toBe(true)
        return second
      })
      for (const [index, result] of results.entries()) {
        if (result.status === 201) expect(again[index]?.timer).toEqual(result.timer)
      }
      expect(await stored()).toBe(before + 1_000)
    } finally {
      await cut.close()
      await proxy.close()
    }
  })
})

it('refuses batches before they are read where more of them are under way than there is memory for', async () => {
  const port = await api.listen()
  const sockets: Socket[] = []
  const begin = (): Promise<string> => {
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    socket.write(
      `POST /timers/batch HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\ncontent-length: ${4 * 1_024 * 1_024}\r\n\r\n{`,
    )
    return new Promise((resolve) => socket.once('data', (data) => resolve(data.toString())))
  }
  try {
    const answers = Array.from({ length: 17 }, begin)
    expect(await Promise.race(answers)).toMatch(/^HTTP\/1.1 503 .*retry-after: 1.*"code":"OVERLOADED"/s)
    expect((await send({ timers: [good()] })).reply.statusCode).toBe(503)
    expect((await api.app.inject({ method: 'POST', url: '/timers', payload: good() })).statusCode).toBe(201)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
  await eventually(async () => expect((await send({ timers: [good()] })).reply.statusCode).toBe(207))
})
