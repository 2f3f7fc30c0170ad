import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { eventually } from '@timers/lab'
import { createAddressGuard, type Resolve } from '../src/delivery/address-guard.ts'
import { type ClosableWebhookClient, createGotWebhookClient } from '../src/delivery/got-webhook-client.ts'
import { parseProxy } from '../src/delivery/proxy-tunnel.ts'
import { createSigner } from '../src/delivery/signature.ts'
import { startProxy } from './connect-proxy.ts'
import { httpAnswer, makeCertificate, type RawReceiver, startRawReceiver } from './faulty-receivers.ts'

const NEVER_SENT = { outcome: 'never_sent', reason: 'the claim grew too old' }
const VALID_MS = 300

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function client(options: { proxyUrl?: string; ca?: string; resolve?: Resolve } = {}): ClosableWebhookClient {
  const { proxyUrl, ca, resolve } = options
  const made = createGotWebhookClient({
    timeoutMs: 5_000,
    userAgent: 'test',
    guard: createAddressGuard({
      allowCidrs: ['127.0.0.0/8'],
      ...(resolve === undefined ? {} : { resolve }),
    }),
    signer: createSigner([]),
    proxy: proxyUrl === undefined ? undefined : parseProxy(proxyUrl),
    ca,
  })
  cleanups.push(made.close)
  return made
}

/** A receiver that counts the bytes of requests; `onConnection` is told of connections before their handshake. */
async function startCounter(tls?: { key: string; cert: string }) {
  const seen = { connections: 0, bytes: 0, onConnection: () => {} }
  const receiver: RawReceiver = await startRawReceiver({
    ...(tls === undefined ? {} : { tls }),
    onConnection: (socket: Socket) =>
      socket.on('data', (chunk) => {
        seen.bytes += chunk.length
      }),
    onTcpConnection: () => {
      seen.connections += 1
      seen.onConnection()
    },
    onRequest: (socket) => socket.write(httpAnswer(200)),
  })
  cleanups.push(receiver.close)
  return { receiver, seen }
}

describe('a claim that grows too old', () => {
  let good: boolean
  const mayLeave = (): boolean => good
  beforeEach(() => {
    good = true
  })
  const send = (sender: ClosableWebhookClient, url: string, body = '{"large":"enough"}') =>
    sender.send({ id: 1, url, attempt: 1, body, mayLeave })
  const sawNothing = async ({ receiver, seen }: Awaited<ReturnType<typeof startCounter>>) => {
    await eventually(() => expect([seen.connections, receiver.open]).toEqual([1, 0]))
    expect(seen.bytes).toBe(0)
  }

  test('before anything is done: no connection is made', async () => {
    const { receiver } = await startCounter()
    good = false
    expect(await send(client(), `http://127.0.0.1:${receiver.port}/`)).toMatchObject(NEVER_SENT)
    expect(receiver.connections).toBe(0)
  })

  test('while the connection is made: the receiver sees not one byte', async () => {
    const counter = await startCounter()
    const resolve: Resolve = (_name, _options, done) => {
      good = false
      setImmediate(() => done(null, [{ address: '127.0.0.1', family: 4 }]))
    }
    const sender = client({ resolve })
    expect(await send(sender, `http://hook.test:${counter.receiver.port}/`)).toMatchObject(NEVER_SENT)
    await sawNothing(counter)
  })

  test.each(['{}', `"${'x'.repeat(60_000)}"`])(
    'while the TLS handshake is under way: the receiver sees not one byte of the request (%#)',
    async (body) => {
      const certificate = await makeCertificate('127.0.0.1')
      const counter = await startCounter(certificate)
      counter.seen.onConnection = () => {
        good = false
      }
      const sender = client({ ca: certificate.cert })
      expect(await send(sender, `https://127.0.0.1:${counter.receiver.port}/`, body)).toMatchObject(
        NEVER_SENT,
      )
      await sawNothing(counter)
    },
  )

  test.each(['http', 'https'])('while a proxy makes an %s connection: the same', async (scheme) => {
    const certificate = await makeCertificate('hook.test')
    const counter = await startCounter(scheme === 'https' ? certificate : undefined)
    counter.seen.onConnection = () => {
      good = false
    }
    const proxy = await startProxy()
    cleanups.push(proxy.close)
    proxy.leadTo = counter.receiver.port
    const sender = client({ proxyUrl: `http://127.0.0.1:${proxy.port}`, ca: certificate.cert })
    expect(await send(sender, `${scheme}://hook.test/`)).toMatchObject(NEVER_SENT)
    await sawNothing(counter)
  })

  test('right before a connection is used again: nothing more is written to it', async () => {
    const { receiver } = await startCounter()
    const sender = client()
    const url = `http://127.0.0.1:${receiver.port}/`
    await eventually(async () => {
      const before = receiver.connections
      expect(await send(sender, url)).toMatchObject({ outcome: 'delivered' })
      expect(receiver.connections).toBe(before)
    })
    const { requests } = receiver
    let asked = 0
    const turns = (): boolean => {
      asked += 1
      return asked === 1
    }
    expect(await sender.send({ id: 2, url, attempt: 1, mayLeave: turns })).toMatchObject(NEVER_SENT)
    expect(await send(sender, url)).toMatchObject({ outcome: 'delivered' })
    expect(asked).toBe(2)
    expect(receiver.requests).toBe(requests + 1)
  })
})

/** A receiver on a thread of its own, which goes on while this one stands still. Tells its port, then what comes. */
const RECEIVER = `
const { parentPort } = require('node:worker_threads')
const server = require('node:net').createServer((socket) => {
  parentPort.postMessage('connection')
  socket.on('error', () => {})
  socket.on('data', () => parentPort.postMessage('bytes'))
  socket.on('close', () => parentPort.postMessage('close'))
})
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

test('a process that stands still while it connects, for longer than its claim is good, sends nothing then', async () => {
  const receiver = new Worker(RECEIVER, { eval: true })
  cleanups.push(() => receiver.terminate())
  const [port] = await once(receiver, 'message')
  const told: unknown[] = []
  receiver.on('message', (message) => told.push(message))
  const standStill = (): void => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * VALID_MS)
  }
  let until = Number.POSITIVE_INFINITY
  const resolve: Resolve = (_name, _options, done) => {
    until = performance.now() + VALID_MS
    done(null, [{ address: '127.0.0.1', family: 4 }])
    // The connection is under way, and is there when this process goes on.
    process.nextTick(standStill)
  }
  const result = await client({ resolve }).send({
    id: 1,
    url: `http://hook.test:${port}/`,
    attempt: 1,
    mayLeave: () => performance.now() < until,
  })
  expect(result).toMatchObject(NEVER_SENT)
  await eventually(() => expect(told).toContain('close'))
  expect(told).toEqual(['connection', 'close'])
})
