import { createAddressPolicy, createTimer, systemClock } from '@timers/core'
import { bed, receiver } from './running-worker-bed.ts'
import type { WorkerBed } from './worker-bed.ts'

async function delivered(draft: Omit<Parameters<WorkerBed['schedule']>[0], 'url'>) {
  const id = await bed.schedule({ url: receiver.hookUrl, ...draft })
  await receiver.waitFor((requests) => requests.some((request) => request.id === id))
  await bed.settled(id, (record) => record.status === 'fired')
  const request = receiver.requests.find((candidate) => candidate.id === id)
  if (request === undefined) throw new Error('not received')
  return { id, request }
}

test.each<[string, string]>([
  ['an object', '{"order":17,"items":["ä","\\""]}'],
  ['null', 'null'],
  ['a number that no double can hold', '1234567890123456789'],
  ['an empty text', '""'],
])('payload %s is the body, byte for byte', async (_name, body) => {
  const { request } = await delivered({ payload: body })
  expect(request.body).toBe(body)
  expect(request.headers['content-type']).toBe('application/json')
  expect(request.headers['content-length']).toBe(String(Buffer.byteLength(body)))
})

test('without a payload the body is empty', async () => {
  const { request } = await delivered({})
  expect(request.body).toBe('')
  expect(request.headers['content-length']).toBe('0')
  expect(request.headers['content-type']).toBeUndefined()
})

test('headers and the trace of the creating request are sent along', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const { request } = await delivered({ headers: { 'x-order-id': '17' }, traceparent })
  expect(request.headers).toMatchObject({ 'x-order-id': '17', traceparent })
})

test('headers named like parts of every object arrive', async () => {
  const headers = {
    constructor: 'a',
    toString: 'b',
    hasOwnProperty: 'c',
    valueOf: 'd',
    __defineGetter__: 'e',
  }
  const created = await createTimer(
    { seconds: 1, url: receiver.hookUrl, headers },
    { requestId: 'req-1', traceparent: undefined },
    {
      store: bed.store,
      addressPolicy: createAddressPolicy({ allowCidrs: ['127.0.0.0/8'] }),
      clock: systemClock,
      maxTimerSeconds: 60,
    },
  )
  await receiver.waitFor((requests) => requests.some(({ id }) => id === created.id))
  const arrived = new Map(
    Object.entries(receiver.requests.find(({ id }) => id === created.id)?.headers ?? {}),
  )
  for (const [name, value] of Object.entries(headers)) {
    expect([name, arrived.get(name.toLowerCase())]).toEqual([name, value])
  }
})

test('the line of an attempt leads back to the request that created the timer', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const { id } = await delivered({ requestId: 'req-9', traceparent })
  const line = bed.lines.find((candidate) => candidate.msg === 'attempt' && candidate.timerId === id)
  expect(line).toMatchObject({
    reqId: 'req-9',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    attempt: 1,
    outcome: 'delivered',
    responseStatus: 200,
    decision: 'fired',
    origin: receiver.url,
  })
  for (const part of ['latenessMs', 'queueMs', 'connectMs', 'responseMs']) {
    expect(line?.[part]).toBeGreaterThanOrEqual(0)
  }
  expect(JSON.stringify(line)).not.toContain('/hook')
})
