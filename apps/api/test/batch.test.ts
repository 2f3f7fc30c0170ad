import { api, batch, good, PROMISED_MS, type Result, send, stored, url } from './batch-bed.ts'

describe('a batch', () => {
  it('of a thousand timers creates each once, and answers in the order asked', async () => {
    const before = await stored()
    const startedAt = Date.now()
    const { reply, results, tookMs } = await send({
      timers: Array.from({ length: 1_000 }, (_, index) => ({
        seconds: 1_000 + index,
        url: `${url}/${index}`,
      })),
    })
    const answeredAt = Date.now()
    expect(reply.statusCode).toBe(207)
    expect(tookMs).toBeLessThan(PROMISED_MS)
    expect(results).toHaveLength(1_000)
    expect(new Set(results.map(({ timer }) => timer.id)).size).toBe(1_000)
    for (const [index, result] of results.entries()) {
      expect(result).toEqual({
        status: 201,
        timer: {
          id: expect.any(Number),
          time_left: 1_000 + index,
          status: 'pending',
          due_at: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
        },
      })
      // Due so long after some moment between the request and its answer.
      const countedFrom = Date.parse(result.timer.due_at) - (1_000 + index) * 1_000
      expect(countedFrom).toBeGreaterThanOrEqual(startedAt)
      expect(countedFrom).toBeLessThanOrEqual(answeredAt)
    }
    expect(await stored()).toBe(before + 1_000)
    for (const index of [0, 500, 999]) {
      const { timer } = results[index] as Result
      expect(await api.find(timer.id)).toMatchObject({
        url: `${url}/${index}`,
        dueAt: Date.parse(timer.due_at),
        status: 'pending',
      })
    }
  })

  it('has in the place of each bad timer the answer that it would have alone', async () => {
    const bad: [item: unknown, code: string, detail: RegExp][] = [
      [{ minutes: 5 }, 'INVALID_BODY', /^url is required/],
      [{ url }, 'INVALID_BODY', /^give at least one of hours/],
      [good({ in: '5m' }), 'INVALID_TIME', /one form/],
      [good({ colour: 'red' }), 'INVALID_BODY', /colour is not a field of a timer.*idempotency_key/],
      [good({ url: 'http://127.0.0.1/' }), 'INVALID_URL', /not public/],
      [{ seconds: 0, url }, 'INVALID_DURATION', /at least/],
      [good({ key: 'a b' }), 'INVALID_KEY', /^key must be/],
      [good({ labels: ['a b'] }), 'INVALID_LABELS', /^labels must be/],
      [good({ idempotency_key: '' }), 'INVALID_IDEMPOTENCY_KEY', /^idempotency_key must be/],
      [good({ idempotency_key: 7 }), 'INVALID_BODY', /^idempotency_key must be text/],
      [good({ payload: 'x'.repeat(9_000) }), 'INVALID_PAYLOAD', /8192 bytes/],
      [null, 'INVALID_BODY', /must be a JSON object/],
      [[good()], 'INVALID_BODY', /must be a JSON object/],
      ['timer', 'INVALID_BODY', /must be a JSON object/],
    ]
    const before = await stored()
    const results = await batch(...bad.flatMap(([item]) => [item, good()]))
    for (const [index, [, code, detail]] of bad.entries()) {
      const result = results[2 * index] as Result
      expect(result).toEqual({ status: 400, problem: expect.objectContaining({ status: 400, code }) })
      expect(result.problem.detail).toMatch(detail)
      expect(results[2 * index + 1]).toMatchObject({ status: 201 })
    }
    expect(await stored()).toBe(before + bad.length)
  })

  it.each([
    ['a name that stands twice', '{"minutes":5,"minutes":6,"url":"https://a.b"}', 'INVALID_BODY', 'minutes'],
    [
      'a deep payload',
      `{"minutes":5,"url":"https://a.b","payload":${'['.repeat(33)}${']'.repeat(33)}}`,
      'INVALID_PAYLOAD',
      'payload',
    ],
    [
      'a deep field',
      `{"minutes":5,"url":"https://a.b","headers":${'['.repeat(40)}${']'.repeat(40)}}`,
      'INVALID_JSON',
      'deep',
    ],
  ])('refuses %s in one timer alone', async (_name, item, code, word) => {
    const fine = JSON.stringify(good())
    const { reply, results } = await send(`{"timers":[${fine},${item},${fine}]}`)
    expect(reply.statusCode).toBe(207)
    expect(results.map(({ status }) => status)).toEqual([201, 400, 201])
    expect(results[1]?.problem).toMatchObject({ code, detail: expect.stringContaining(word) })
  })

  it('keeps each payload as it was written', async () => {
    const texts = ['1234567890123456789', '{"a":1e309,"a":[ ]}', '"payload\\u0000"', 'null']
    const items = texts.map((text) => `{"minutes":5,"url":"https://a.b","payload": ${text} }`)
    const { results } = await send(`{"timers":[${items.join()},${JSON.stringify(good())}]}`)
    const kept = await Promise.all(results.map(({ timer }) => api.find(timer.id)))
    expect(kept.map((timer) => timer?.payload)).toEqual([
      '1234567890123456789',
      '{"a":1e309,"a":[]}',
      '"payload\\u0000"',
      'null',
      undefined,
    ])
  })

  it.each<[string, string | object, string, RegExp]>([
    ['no JSON', '{"timers":[{"minutes":5,"url":"https://a.b"},]}', 'INVALID_JSON', /JSON/],
    ['no JSON in a timer', '{"timers":[{"minutes":05,"url":"https://a.b"}]}', 'INVALID_JSON', /JSON/],
    ['no timers', {}, 'INVALID_BODY', /^timers is required and must be a list of 1 to 1000 timers/],
    ['an empty list', { timers: [] }, 'INVALID_BODY', /^timers must be a list of 1 to 1000/],
    ['an object', { timers: good() }, 'INVALID_BODY', /^timers must be a list of 1 to 1000/],
    ['1,001 timers', { timers: Array(1_001).fill(good()) }, 'INVALID_BODY', /at most 1000/],
    ['lists in place of an object', [good()], 'INVALID_BODY', /must be a JSON object/],
    ['another field', { timers: [good()], mode: 'fast' }, 'INVALID_BODY', /^mode is not a field of a batch/],
    [
      'two lists',
      '{"timers":[{"minutes":5,"url":"https://a.b"}],"timers":[]}',
      'INVALID_BODY',
      /^timers must be given once/,
    ],
  ])('is refused as a whole with %s', async (_name, payload, code, detail) => {
    const before = await stored()
    const { reply } = await send(payload)
    expect(reply.statusCode).toBe(400)
    expect(reply.json()).toMatchObject({ code, detail: expect.stringMatching(detail) })
    expect(await stored()).toBe(before)
  })

  it('refuses the header Idempotency-Key, which says nothing of any one timer', async () => {
    const { reply } = await send({ timers: [good()] }, { headers: { 'idempotency-key': 'a' } })
    expect(reply.statusCode).toBe(400)
    expect(reply.json()).toMatchObject({
      code: 'INVALID_IDEMPOTENCY_KEY',
      detail: expect.stringContaining('idempotency_key'),
    })
  })

  it('may be 4 MiB long, and no byte longer; other bodies may not', async () => {
    const timers = Array.from({ length: 500 }, () => good({ payload: 'x'.repeat(8_000) }))
    const body = JSON.stringify({ timers })
    const most = 4 * 1_024 * 1_024
    const { reply, results } = await send(body.padEnd(most))
    expect(reply.statusCode).toBe(207)
    expect(results.filter(({ status }) => status === 201)).toHaveLength(500)
    const over = await send(body.padEnd(most + 1))
    expect(over.reply.statusCode).toBe(413)
    expect(over.reply.json()).toMatchObject({
      code: 'BODY_TOO_LARGE',
      detail: expect.stringContaining('4194304'),
    })
    const single = await api.app.inject({
      method: 'POST',
      url: '/timers',
      payload: good({ payload: 'x'.repeat(20_000) }),
    })
    expect(single.json()).toMatchObject({ code: 'BODY_TOO_LARGE', detail: expect.stringContaining('16384') })
  })
})

describe('timers of one batch', () => {
  it('with the same key: the first has it', async () => {
    const results = await batch(good({ key: 'same' }), good(), good({ key: 'same' }), good({ key: 'other' }))
    expect(results.map(({ status }) => status)).toEqual([201, 201, 409, 201])
    expect(results[2]?.problem).toMatchObject({
      code: 'KEY_TAKEN',
      status: 409,
      timer_id: results[0]?.timer.id,
    })
  })

  it('with the same idempotency key: one timer, or 422 where they differ', async () => {
    const key = { idempotency_key: 'twice' }
    const results = await batch(good(key), good(key), good({ ...key, minutes: 6 }), good())
    expect(results.map(({ status }) => status)).toEqual([201, 201, 422, 201])
    expect(results[0]).not.toHaveProperty('replayed')
    expect(results[1]).toEqual({ ...results[0], replayed: true })
    expect(results[2]?.problem).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
  })

  it('are the same as alone: an idempotency key of the one is known by the other', async () => {
    const [first] = await batch(good({ idempotency_key: 'shared' }))
    const alone = await api.app.inject({
      method: 'POST',
      url: '/timers',
      payload: good(),
      headers: { 'idempotency-key': '"shared"' },
    })
    expect(alone.json().id).toBe(first?.timer.id)
    expect(alone.headers['idempotent-replayed']).toBe('true')
  })

  it('sent again with their idempotency keys are told as they were the first time', async () => {
    const timers = Array.from({ length: 1_000 }, (_, index) =>
      good({
        idempotency_key: `whole-${index}`,
        ...(index % 3 === 0 && { labels: ['a', 'b'], key: `k${index}` }),
      }),
    )
    const before = await stored()
    const first = await batch(...timers)
    const again = await batch(...timers)
    expect(again).toEqual(first.map((result) => ({ ...result, replayed: true })))
    expect(await stored()).toBe(before + 1_000)
  })
})

it('logs and counts what is refused in a batch once a kind, however many it is', async () => {
  const lines = api.logs.length
  const items = Array.from({ length: 50 }, (_, index) =>
    index % 2 === 0 ? { minutes: 5 } : good({ in: '1m' }),
  )
  await batch(...items, good())
  const told = api.logs
    .slice(lines)
    .map(({ msg, code, items: count, created, refused }) => ({ msg, code, count, created, refused }))
  expect(told).toEqual([
    { msg: 'request refused', code: 'INVALID_BODY', count: 25 },
    { msg: 'request refused', code: 'INVALID_TIME', count: 25 },
    { msg: 'batch of timers created', created: 1, refused: 50 },
  ])
})
