import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { eventually } from '@timers/lab'
import { createAddressGuard } from '../src/delivery/address-guard.ts'
import { type ClosableWebhookClient, createGotWebhookClient } from '../src/delivery/got-webhook-client.ts'
import { parseProxy } from '../src/delivery/proxy-tunnel.ts'
import { createSigner } from '../src/delivery/signature.ts'
import { startProxy } from './connect-proxy.ts'
import { httpAnswer, makeCertificate, type RawReceiver, startRawReceiver } from './faulty-receivers.ts'

const OK = httpAnswer(200)
const FAILED = httpAnswer(500)
const CHUNKED = 'HTTP/1.1 200 Any\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function client(options: { proxyUrl?: string; ca?: string } = {}): ClosableWebhookClient {
  const { proxyUrl, ca } = options
  const made = createGotWebhookClient({
    timeoutMs: 2_000,
    userAgent: 'test',
    guard: createAddressGuard({ allowCidrs: ['127.0.0.0/8'] }),
    signer: createSigner([]),
    proxy: proxyUrl === undefined ? undefined : parseProxy(proxyUrl),
    ca,
  })
  cleanups.push(made.close)
  return made
}

async function receiverThat(behaviour: Parameters<typeof startRawReceiver>[0]): Promise<RawReceiver> {
  const receiver = await startRawReceiver(behaviour)
  cleanups.push(receiver.close)
  return receiver
}

const send = (sender: ClosableWebhookClient, url: string, id = 1) => sender.send({ id, url, attempt: 1 })
/** When a receiver says something: what its timing does to a client is what is tested here, and no test waits for it. */
const later = (ms: number, then: () => unknown): void => void setTimeout(then, ms)

/** Sends until a connection is used again, so that there is one in the pool. */
async function sendUntilReused(sender: ClosableWebhookClient, url: string, receiver: RawReceiver) {
  await eventually(async () => {
    const before = receiver.connections
    await send(sender, url)
    expect(receiver.connections).toBe(before)
  })
}

/** Answers the first request with a surplus, as `extra` says, and every other with 500, after the surplus is long there. */
function surplus(extra: (socket: Socket) => void) {
  return (socket: Socket, number: number): void => {
    if (number === 1) extra(socket)
    else later(40, () => socket.write(FAILED))
  }
}

describe('an answer too many is not the answer to the next request', () => {
  test.each([
    ['a whole one in the same write', (socket: Socket) => socket.write(OK + OK)],
    [
      'half of one in the same write',
      (socket: Socket) => {
        socket.write(OK + OK.slice(0, 20))
        later(10, () => socket.write(OK.slice(20)))
      },
    ],
    [
      'half of one behind an answer in chunks',
      (socket: Socket) => {
        socket.write(CHUNKED + OK.slice(0, 20))
        later(10, () => socket.write(OK.slice(20)))
      },
    ],
    [
      'within 2 ms',
      (socket: Socket) => {
        socket.write(OK)
        later(2, () => socket.write(OK))
      },
    ],
    [
      'within 10 ms',
      (socket: Socket) => {
        socket.write(OK)
        later(10, () => socket.write(OK))
      },
    ],
  ])('%s', async (_name, extra) => {
    const receiver = await receiverThat({ onRequest: surplus(extra) })
    const sender = client()
    const url = `http://127.0.0.1:${receiver.port}/`
    expect(await send(sender, url)).toMatchObject({ outcome: 'delivered' })
    expect(await send(sender, url)).toMatchObject({ outcome: 'rejected', responseStatus: 500 })
    expect(receiver).toMatchObject({ requests: 2, connections: 2 })
  })

  const twice = (socket: Socket): void => {
    socket.write(OK)
    later(10, () => socket.write(OK))
  }

  test('over TLS', async () => {
    const certificate = await makeCertificate('127.0.0.1')
    const receiver = await receiverThat({ tls: certificate, onRequest: surplus(twice) })
    const sender = client({ ca: certificate.cert })
    const url = `https://127.0.0.1:${receiver.port}/`
    expect(await send(sender, url)).toMatchObject({ outcome: 'delivered' })
    expect(await send(sender, url)).toMatchObject({ outcome: 'rejected', responseStatus: 500 })
  })

  test.each(['http', 'https'])('through a proxy, over %s', async (scheme) => {
    const certificate = await makeCertificate('hook.test')
    const tls = scheme === 'https' ? { tls: certificate } : {}
    const receiver = await receiverThat({ ...tls, onRequest: surplus(twice) })
    const proxy = await startProxy()
    cleanups.push(proxy.close)
    proxy.leadTo = receiver.port
    const sender = client({ proxyUrl: `http://127.0.0.1:${proxy.port}`, ca: certificate.cert })
    expect(await send(sender, `${scheme}://hook.test/`)).toMatchObject({ outcome: 'delivered' })
    expect(await send(sender, `${scheme}://hook.test/`)).toMatchObject({
      outcome: 'rejected',
      responseStatus: 500,
    })
  })

  test('one that begins while the connection is idle, and ends when the next request is there', async () => {
    const idle = new Set<Socket>()
    let misbehaves = false
    const receiver = await receiverThat({
      onRequest: (socket) => {
        if (misbehaves) {
          if (idle.has(socket)) socket.write(OK.slice(20))
          return later(40, () => socket.write(FAILED))
        }
        idle.add(socket)
        socket.write(OK)
      },
    })
    const sender = client()
    const url = `http://127.0.0.1:${receiver.port}/`
    await sendUntilReused(sender, url, receiver)
    misbehaves = true
    for (const socket of idle) await new Promise((resolve) => socket.write(OK.slice(0, 20), resolve))
    expect(await send(sender, url)).toMatchObject({ outcome: 'rejected', responseStatus: 500 })
  })

  test('one that came while the process stood still, and that it has not read', async () => {
    const receiver = new Worker(RECEIVER, { eval: true })
    cleanups.push(() => receiver.terminate())
    const [port] = await once(receiver, 'message')
    const sender = client()
    const url = `http://127.0.0.1:${port}/`
    await eventually(async () => {
      const told = once(receiver, 'message')
      await send(sender, url)
      expect(await told).toEqual(['reused'])
    })
    receiver.postMessage('misbehave')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
    expect(await send(sender, url)).toMatchObject({ outcome: 'rejected', responseStatus: 500 })
  })
})

/** On a thread of its own, it goes on while this one stands still. When told so it answers once more, on every connection. */
const RECEIVER = `
const { parentPort } = require('node:worker_threads')
const sockets = new Set()
let misbehaved = false
const server = require('node:net').createServer((socket) => {
  socket.on('error', () => {})
  socket.on('data', () => {
    if (misbehaved) return setTimeout(() => socket.write(${JSON.stringify(FAILED)}), 40)
    parentPort.postMessage(sockets.has(socket) ? 'reused' : 'new')
    sockets.add(socket)
    socket.write(${JSON.stringify(OK)})
  })
})
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
parentPort.on('message', () => {
  misbehaved = true
  for (const socket of sockets) socket.write(${JSON.stringify(OK)})
})
`

describe('connections of a polite receiver are still used again', () => {
  const inPieces = (socket: Socket): void => {
    for (const byte of CHUNKED) socket.write(byte)
  }
  test.each([
    ['with a length', (socket: Socket) => socket.write(`${httpAnswer(200).replace(': 0', ': 2')}ok`)],
    ['with no body', (socket: Socket) => socket.write(httpAnswer(204))],
    ['in chunks', (socket: Socket) => socket.write(CHUNKED)],
    ['byte by byte', inPieces],
    ['that refuse', (socket: Socket) => socket.write(FAILED)],
  ])('after answers %s', async (_name, onRequest) => {
    const certificate = await makeCertificate('127.0.0.1')
    for (const tls of [undefined, certificate]) {
      const receiver = await receiverThat({ onRequest, ...(tls === undefined ? {} : { tls }) })
      const sender = client(tls === undefined ? {} : { ca: tls.cert })
      const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${receiver.port}/`
      for (let count = 0; count < 200; count += 1) await send(sender, url, count)
      expect(receiver.requests).toBe(200)
      expect(receiver.connections).toBeLessThan(100)
    }
  })
})
