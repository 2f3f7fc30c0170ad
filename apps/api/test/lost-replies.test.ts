import { eventually, startTcpProxy, type TcpProxy } from '@timers/lab'
import type { HTTPMethods } from 'fastify'
import { type ApiBed, openApiBed } from './api-bed.ts'
import { startTestApi, type TestApi } from './test-api.ts'

/** The reply of Redis is lost on its way to the API: the command was carried out, and is sent again. */
let bed: ApiBed
let proxy: TcpProxy
let api: TestApi
let keys = 0

beforeAll(async () => {
  bed = await openApiBed()
  proxy = await startTcpProxy({ targetPort: bed.redis.port })
  api = await startTestApi({ redisUrl: `redis://127.0.0.1:${proxy.port}` })
  await api.ready()
  // Ids come in blocks: the reply that is lost is to be that of the command itself.
  await send('POST', '/timers', TIMER)
})
afterAll(async () => {
  await api?.close()
  await proxy?.close()
  await bed?.close()
})

const TIMER = { hours: 1, url: 'https://example.com/hook' }
const freshKey = () => {
  keys += 1
  return `lost-${keys}`
}

function send(method: HTTPMethods, url: string, payload?: object, headers: Record<string, string> = {}) {
  return api.app.inject({ method: method as 'GET', url, headers, ...(payload && { payload }) })
}

/** The answer to a request whose first reply from Redis is cut off. */
async function sendAndLose(...request: Parameters<typeof send>) {
  const [reply] = await Promise.all([send(...request), proxy.cutReplies()])
  await eventually(async () => expect((await send('GET', '/timers/1')).statusCode).toBe(200))
  return reply
}

describe('when the reply of Redis is cut off', () => {
  it.each([
    ['a create', undefined],
    ['a create with an Idempotency-Key', 'lost-create'],
  ])('%s makes one timer, and is no replay', async (_name, key) => {
    const before = await bed.timerCount()
    const reply = await sendAndLose(
      'POST',
      '/timers',
      TIMER,
      key === undefined ? {} : { 'idempotency-key': key },
    )
    expect([reply.statusCode, reply.headers['idempotent-replayed']]).toEqual([201, undefined])
    expect(await bed.timerCount()).toBe(before + 1)
  })

  it('a create with a key of its own does not find its own key taken', async () => {
    const key = freshKey()
    const reply = await sendAndLose('POST', '/timers', { ...TIMER, key })
    expect(reply.statusCode).toBe(201)
    expect((await send('GET', `/timers/by-key/${key}`)).json().id).toBe(reply.json().id)
  })

  it('a PUT that created says 201, and one that changed says 200', async () => {
    const path = `/timers/by-key/${freshKey()}`
    const created = await sendAndLose('PUT', path, TIMER)
    expect(created.statusCode).toBe(201)
    expect(created.json()).not.toHaveProperty('previous')
    const changed = await sendAndLose('PUT', path, { ...TIMER, hours: 2 })
    expect([changed.statusCode, changed.json().id]).toEqual([200, created.json().id])
  })

  it('a cancel is granted', async () => {
    const id = await bed.create()
    const reply = await sendAndLose('DELETE', `/timers/${id}`)
    expect([reply.statusCode, reply.json().status]).toEqual([200, 'cancelled'])
  })

  it('a change is made', async () => {
    const id = await bed.create()
    const reply = await sendAndLose('PATCH', `/timers/${id}`, { labels: ['changed'] })
    expect([reply.statusCode, reply.json().labels]).toEqual([200, ['changed']])
  })

  it('a fire fires once, and is not told that it fires already', async () => {
    const id = await bed.create()
    const reply = await sendAndLose('POST', `/timers/${id}/fire`)
    expect(reply.statusCode).toBe(202)
    await eventually(async () => expect((await bed.api.find(id))?.status).toBe('fired'), {
      timeoutMs: 10_000,
    })
    expect((await bed.api.find(id))?.attempts).toBe(1)
  })

  it('a redrive makes one attempt', async () => {
    const id = await bed.timerThatIs('failed')
    const reply = await sendAndLose('POST', `/timers/${id}/redrive`)
    expect(reply.statusCode).toBe(202)
    await eventually(
      async () => expect(await bed.api.find(id)).toMatchObject({ status: 'failed', attempts: 2 }),
      { timeoutMs: 10_000 },
    )
  })

  it('a resolve is not told that the timer is settled already', async () => {
    const id = await bed.timerThatIs('unknown')
    const reply = await sendAndLose('POST', `/timers/${id}/resolve`, { as: 'fired' })
    expect([reply.statusCode, reply.json().status]).toEqual([200, 'fired'])
  })
})
