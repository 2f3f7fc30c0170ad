import { eventually } from '@timers/lab'
import { type ApiBed, expectProblem, openApiBed } from './api-bed.ts'

let bed: ApiBed
let keys = 0

beforeAll(async () => {
  // Of a key it follows where its timer lies.
  bed = await openApiBed({ TIMER_SHARDS: '3' })
})
afterAll(() => bed?.close())

/** A key that no other test has. */
const freshKey = () => {
  keys += 1
  return `key:${keys}`
}
const put = (key: string, body: string | object) => bed.send('PUT', `/timers/by-key/${key}`, body)
const TIMER = { hours: 1, url: 'https://example.com/hook' }

describe('PUT /timers/by-key/:key', () => {
  it('creates, and shows the timer as GET does', async () => {
    const key = freshKey()
    const reply = await put(key, { ...TIMER, labels: ['a'], payload: { n: 1 } })
    expect(reply.statusCode).toBe(201)
    const timer = reply.json()
    expect(reply.headers.location).toBe(`/timers/${timer.id}`)
    expect(timer).toMatchObject({ status: 'pending', key, labels: ['a'], time_left: 3_600 })
    expect(timer).not.toHaveProperty('previous')
    expect((await bed.send('GET', `/timers/${timer.id}`)).json()).toMatchObject({ id: timer.id, key })
    expect((await bed.api.find(timer.id))?.payload).toBe('{"n":1}')
  })

  it('keeps the payload digit for digit', async () => {
    const key = freshKey()
    const body = `{"hours":1,"url":"https://example.com/","payload":{"n": 1234567890123456789}}`
    const { id } = (await put(key, body)).json()
    expect((await bed.api.find(id))?.payload).toBe('{"n":1234567890123456789}')
  })

  it.each([undefined, 'replace'])('replaces all of a pending timer (on_conflict %s)', async (mode) => {
    const key = freshKey()
    const { id } = (await put(key, { ...TIMER, labels: ['a'], payload: 1, expires_in: 9 })).json()
    const body = { minutes: 5, url: 'https://other.example/', max_attempts: 2, on_conflict: mode }
    const reply = await put(key, body)
    expect(reply.statusCode).toBe(200)
    expect(reply.headers.location).toBeUndefined()
    expect(reply.json()).toMatchObject({ id, key, max_attempts: 2 })
    for (const name of ['labels', 'expires_in', 'previous']) expect(reply.json()).not.toHaveProperty(name)
    const after = await bed.api.find(id)
    expect(after).toMatchObject({ url: 'https://other.example/', payload: undefined, maxAttempts: 2 })
    expect((after?.dueAt ?? 0) - Date.now()).toBeLessThanOrEqual(300_000)
  })

  it('replaces all but the time with keep_due', async () => {
    const key = freshKey()
    const { id, due_at } = (await put(key, TIMER)).json()
    const body = { minutes: 5, url: 'https://other.example/', labels: ['b'], on_conflict: 'keep_due' }
    const reply = await put(key, body)
    expect(reply.statusCode).toBe(200)
    expect(reply.json()).toMatchObject({ id, due_at, labels: ['b'] })
    expect((await bed.api.find(id))?.url).toBe('https://other.example/')
  })

  it('changes nothing with keep', async () => {
    const key = freshKey()
    const { id } = (await put(key, { ...TIMER, labels: ['a'] })).json()
    const before = await bed.api.find(id)
    const body = { minutes: 5, url: 'https://other.example/', on_conflict: 'keep' }
    const reply = await put(key, body)
    expect(reply.statusCode).toBe(200)
    expect(reply.json()).toMatchObject({ id, labels: ['a'] })
    expect(await bed.api.find(id)).toEqual(before)
  })

  it.each(['firing', 'fired', 'failed', 'unknown'] as const)(
    'leaves a timer alone that is %s, makes a new one, and says so',
    async (status) => {
      const key = freshKey()
      const id = await bed.timerThatIs(status, { key })
      const reply = await put(key, TIMER)
      expect(reply.statusCode).toBe(201)
      expect(reply.json().previous).toEqual({ id, status })
      expect(reply.json().id).not.toBe(id)
      expect((await bed.api.find(id))?.status).toBe(status)
    },
  )

  it('makes one timer of many at once, at the last time', async () => {
    const key = freshKey()
    const replies = await Promise.all(Array.from({ length: 100 }, () => put(key, TIMER)))
    expect(new Set(replies.map((reply) => reply.json().id)).size).toBe(1)
    expect(replies.filter(({ statusCode }) => statusCode === 201)).toHaveLength(1)
    const last = await put(key, { hours: 2, url: TIMER.url })
    const shown = (await bed.send('GET', `/timers/by-key/${key}`)).json()
    expect([shown.id, shown.due_at]).toEqual([last.json().id, last.json().due_at])
  })

  it('takes the key in the body too, where it is the same', async () => {
    const key = freshKey()
    expect((await put(key, { ...TIMER, key })).statusCode).toBe(201)
    const reply = await put(key, { ...TIMER, key: freshKey() })
    expectProblem(reply, 400, 'INVALID_KEY', { errors: [{ field: 'key' }] })
    expect(reply.json().detail).toContain('key must be that of the path')
  })

  it.each<[string, string | object, string, string, string]>([
    [
      'no time',
      { url: TIMER.url },
      'INVALID_BODY',
      'seconds',
      'give at least one of hours, minutes and seconds',
    ],
    ['no url', { hours: 1 }, 'INVALID_BODY', 'url', 'url is required'],
    [
      'another on_conflict',
      { ...TIMER, on_conflict: 'merge' },
      'INVALID_BODY',
      'on_conflict',
      'on_conflict must be one of replace, keep_due, keep',
    ],
    [
      'an unknown field',
      { ...TIMER, idempotency_key: 'x' },
      'INVALID_BODY',
      'idempotency_key',
      'is not a field',
    ],
    ['an old time', { at: '2020-01-01T00:00:00Z', url: TIMER.url }, 'INVALID_TIME', 'at', 'must not be past'],
    ['no object', '[]', 'INVALID_BODY', 'body', 'the body must be a JSON object'],
  ])('refuses %s', async (_name, body, code, field, message) => {
    const key = freshKey()
    const reply = await put(key, body)
    expectProblem(reply, 400, code, { errors: [{ field }] })
    expect(reply.json().detail).toContain(message)
    expectProblem(await bed.send('GET', `/timers/by-key/${key}`), 404, 'TIMER_NOT_FOUND')
  })
})

describe('a key that is none', () => {
  it.each<['DELETE' | 'GET' | 'PATCH' | 'PUT', string]>([
    ['GET', 'a%20b'],
    ['GET', 'a%2Fb'],
    ['GET', '%C3%A4'],
    ['GET', 'k'.repeat(129)],
    ['PUT', 'a*'],
    ['PATCH', 'a,b'],
    ['DELETE', '%00'],
  ])('is 400 for %s %.20s', async (method, key) => {
    const body = method === 'PUT' ? TIMER : method === 'PATCH' ? { hours: 1 } : undefined
    const reply = await bed.send(method, `/timers/by-key/${key}`, body)
    expectProblem(reply, 400, 'INVALID_KEY', { errors: [{ field: 'key' }] })
    expect(reply.json().detail).toContain('key must be 1 to 128 characters')
  })

  it('is taken in any form that may be one', async () => {
    for (const key of ['a', 'k'.repeat(128), 'A-z_0.9:x', 'constructor', '__proto__', '-', '7']) {
      expect((await put(key, TIMER)).statusCode).toBe(201)
      expect((await bed.send('GET', `/timers/by-key/${key}`)).json().key).toBe(key)
    }
  })
})

describe('GET, PATCH and DELETE /timers/by-key/:key', () => {
  it('are the same as by id', async () => {
    const key = freshKey()
    const id = await bed.create({ key })
    const path = `/timers/by-key/${key}`
    const read = await bed.send('GET', path)
    expect(read.headers['cache-control']).toBe('no-store')
    expect(read.json()).toMatchObject({ id, key, status: 'pending' })
    expect((await bed.send('HEAD', path)).statusCode).toBe(200)
    const at = new Date(Date.now() + 86_400_000).toISOString()
    const changed = await bed.send('PATCH', path, { at })
    expect([changed.statusCode, changed.json().due_at]).toEqual([200, at])
    const cancelled = await bed.send('DELETE', path)
    expect([cancelled.statusCode, cancelled.json()]).toEqual([200, expect.objectContaining({ id, key })])
    expect(cancelled.json().status).toBe('cancelled')
    expect((await bed.send('DELETE', path)).statusCode).toBe(200)
    expectProblem(await bed.send('PATCH', path, { hours: 1 }), 409, 'ALREADY_FINISHED', {
      timer_status: 'cancelled',
    })
  })

  it('are of the newest timer with that key', async () => {
    const key = freshKey()
    const first = await bed.timerThatIs('fired', { key })
    expect((await bed.send('GET', `/timers/by-key/${key}`)).json()).toMatchObject({ id: first })
    const second = await bed.create({ key })
    expect((await bed.send('GET', `/timers/by-key/${key}`)).json()).toMatchObject({ id: second })
    expect((await bed.send('DELETE', `/timers/by-key/${key}`)).json().id).toBe(second)
    expect((await bed.send('GET', `/timers/${first}`)).json().status).toBe('fired')
  })

  it('say that a worker has claimed it', async () => {
    const key = freshKey()
    await bed.timerThatIs('firing', { key })
    const path = `/timers/by-key/${key}`
    expectProblem(await bed.send('DELETE', path), 409, 'ALREADY_FIRING', { timer_status: 'firing' })
    expectProblem(await bed.send('PATCH', path, { hours: 1 }), 409, 'ALREADY_FIRING')
  })

  it.each(['GET', 'PATCH', 'DELETE'] as const)('are 404 where no timer has it: %s', async (method) => {
    const body = method === 'PATCH' ? { hours: 1 } : undefined
    const reply = await bed.send(method, '/timers/by-key/never-given', body)
    expectProblem(reply, 404, 'TIMER_NOT_FOUND')
    expect(reply.json().detail).toContain('no timer has this key')
  })
})

describe('a create with a key', () => {
  it('is refused while another timer that has not finished has it, and says which', async () => {
    const key = freshKey()
    const id = await bed.create({ key })
    const reply = await bed.send('POST', '/timers', { ...TIMER, key })
    expectProblem(reply, 409, 'KEY_TAKEN', { timer_id: id })
    await bed.send('DELETE', `/timers/${id}`)
    expect((await bed.send('POST', '/timers', { ...TIMER, key })).statusCode).toBe(201)
  })

  it('is taken again once the other has fired', async () => {
    const key = freshKey()
    const id = await bed.create({ key })
    await bed.send('POST', `/timers/${id}/fire`)
    await eventually(
      async () => expect((await bed.send('POST', '/timers', { ...TIMER, key })).statusCode).toBe(201),
      { timeoutMs: 10_000 },
    )
  })
})
