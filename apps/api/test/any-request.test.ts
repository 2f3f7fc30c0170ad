import fc from 'fast-check'
import { asked, headers, ids, plain } from './any-requests.ts'
import { type ApiBed, openApiBed } from './api-bed.ts'

/** Whatever is asked, the answer is no 5xx, and a refusal is a problem. */
let bed: ApiBed

beforeAll(async () => {
  bed = await openApiBed()
  for (const status of ['fired', 'failed', 'unknown', 'firing'] as const) {
    ids.push(await bed.timerThatIs(status))
  }
  ids.push(await bed.create({ key: 'known' }), await bed.create({ labels: ['a'] }))
})
afterAll(() => bed?.close())

const RUNS = 4_000

it('no request, however it is made, gets a 5xx, and every refusal is a problem with a code', async () => {
  const statuses = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(
      asked,
      fc.oneof({ weight: 4, arbitrary: plain }, { weight: 1, arbitrary: headers }),
      async ({ method, url, payload }, headers) => {
        const reply = await bed.api.app.inject({
          method: method as 'GET',
          url,
          headers: { ...headers },
          ...(method !== 'TRACE' && { payload }),
        })
        const seen = `${method} ${reply.statusCode}`
        statuses.set(seen, (statuses.get(seen) ?? 0) + 1)
        expect(reply.statusCode).toBeGreaterThanOrEqual(200)
        expect([reply.statusCode < 500, reply.payload]).toEqual([true, reply.payload])
        if (reply.statusCode === 201) ids.push(reply.json().id)
        if (reply.statusCode < 400) return
        expect(reply.headers['content-type']).toBe('application/problem+json')
        expect(reply.headers['x-request-id']).toBeDefined()
        if (method === 'HEAD') return
        expect(reply.json()).toMatchObject({
          status: reply.statusCode,
          code: expect.stringMatching(/^[A-Z_]+$/),
          detail: expect.stringMatching(/\w/),
        })
      },
    ),
    { numRuns: RUNS },
  )
  // A generator that never gets anything done would find nothing.
  for (const good of ['POST 201', 'POST 202', 'PUT 201', 'PUT 200', 'PATCH 200', 'DELETE 200', 'GET 200']) {
    expect([...statuses.keys()]).toContain(good)
  }
}, 120_000)
