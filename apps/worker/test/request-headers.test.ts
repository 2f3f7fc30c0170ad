import { randomBytes } from 'node:crypto'
import { type Receiver, startReceiver } from '@timers/lab'
import { Webhook } from 'standardwebhooks'
import { createAddressGuard } from '../src/delivery/address-guard.ts'
import { type ClosableWebhookClient, createGotWebhookClient } from '../src/delivery/got-webhook-client.ts'
import { createSigner } from '../src/delivery/signature.ts'

const secretOf = (bytes: number): string => `whsec_${randomBytes(bytes).toString('base64')}`

let receiver: Receiver
const cleanups: (() => unknown)[] = []

beforeEach(async () => {
  receiver = await startReceiver()
  cleanups.push(receiver.close)
})

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function client(secrets: readonly string[] = []): ClosableWebhookClient {
  const made = createGotWebhookClient({
    timeoutMs: 2_000,
    userAgent: 'timers/test',
    guard: createAddressGuard({ allowCidrs: ['127.0.0.0/8'] }),
    signer: createSigner(secrets),
  })
  cleanups.push(made.close)
  return made
}

const headersOf = (index: number) => receiver.requests[index]?.headers as Record<string, string>

test('without a payload the body is empty, and says so', async () => {
  const before = Math.floor(Date.now() / 1_000)
  await client().send({ id: 7, url: receiver.hookUrl, attempt: 1 })
  expect(receiver.requests[0]).toMatchObject({ method: 'POST', url: '/hook/7', body: '' })
  const { host, 'webhook-timestamp': timestamp, ...headers } = headersOf(0)
  expect(headers).toEqual({
    'content-length': '0',
    connection: 'keep-alive',
    'user-agent': 'timers/test',
    'webhook-id': 'timer_7',
  })
  expect(host).toBe(`127.0.0.1:${receiver.port}`)
  expect(Number(timestamp)).toBeGreaterThanOrEqual(before)
  expect(Number(timestamp)).toBeLessThanOrEqual(Date.now() / 1_000)
})

test('a payload is sent as it is, as JSON', async () => {
  const body = '{"order":"ä 😀","n":1}'
  await client().send({ id: 7, url: receiver.hookUrl, attempt: 1, body })
  expect(receiver.requests[0]?.body).toBe(body)
  expect(headersOf(0)).toMatchObject({
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
  })
})

test('headers of a client are sent along; ours and those of the connection win', async () => {
  await client([secretOf(24)]).send({
    id: 7,
    url: receiver.hookUrl,
    attempt: 1,
    body: '{}',
    headers: {
      authorization: 'Bearer abc',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'x-order': '5',
      'user-agent': 'other',
      'content-type': 'text/plain',
      'content-length': '3',
      'transfer-encoding': 'chunked',
      connection: 'close',
      host: 'elsewhere.test',
      'webhook-id': 'forged',
      'webhook-timestamp': '1',
      'webhook-signature': 'v1,forged',
    },
  })
  const headers = headersOf(0)
  expect(headers).toMatchObject({
    authorization: 'Bearer abc',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'x-order': '5',
    'user-agent': 'timers/test',
    'content-type': 'application/json',
    'content-length': '2',
    connection: 'keep-alive',
    host: `127.0.0.1:${receiver.port}`,
    'webhook-id': 'timer_7',
  })
  expect(headers).not.toHaveProperty('transfer-encoding')
  expect(headers['webhook-signature']).not.toContain('forged')
})

test('without a secret, no signature goes out, not even a forged one', async () => {
  await client().send({
    id: 7,
    url: receiver.hookUrl,
    attempt: 1,
    headers: { 'webhook-signature': 'v1,forged' },
  })
  expect(headersOf(0)).not.toHaveProperty('webhook-signature')
})

test('what arrives is verified by standardwebhooks, in the middle of a rotation too', async () => {
  const [older, newer] = [secretOf(24), secretOf(64)]
  const body = '{"order":"ä 😀"}'
  await client([newer, older]).send({ id: 8, url: receiver.hookUrl, attempt: 2, body })
  const arrived = receiver.requests[0]?.body ?? ''
  for (const secret of [older, newer]) {
    expect(new Webhook(secret).verify(arrived, headersOf(0))).toEqual({ order: 'ä 😀' })
  }
  expect(() => new Webhook(secretOf(32)).verify(arrived, headersOf(0))).toThrow('No matching signature found')
})

test('a callback goes to its URL as it is, under an id that no webhook of a timer has', async () => {
  const secret = secretOf(32)
  const body = '{"type":"timer.failed"}'
  await client([secret]).send({
    id: 8,
    callbackOf: 7,
    url: `${receiver.url}/events?x=1#f`,
    attempt: 3,
    body,
  })
  expect(receiver.requests[0]).toMatchObject({ method: 'POST', url: '/events?x=1', body })
  expect(headersOf(0)).toMatchObject({ 'webhook-id': 'event_8', 'content-type': 'application/json' })
  expect(new Webhook(secret).verify(body, headersOf(0))).toEqual({ type: 'timer.failed' })
})

test('an empty body is signed as well', async () => {
  const secret = secretOf(32)
  await client([secret]).send({ id: 9, url: receiver.hookUrl, attempt: 1 })
  const { 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headersOf(0)
  const expected = new Webhook(secret).sign('timer_9', new Date(Number(timestamp) * 1_000), '')
  expect(signature).toBe(expected)
})
