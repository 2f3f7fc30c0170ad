import diagnostics from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { createGzip } from 'node:zlib'
import { type AttemptResult, type DeliveryMode, decide } from '@timers/core'
import { eventually, stablePort, timed } from '@timers/lab'
import { createAddressGuard, type Resolve } from '../src/delivery/address-guard.ts'
import { type ClosableWebhookClient, createGotWebhookClient } from '../src/delivery/got-webhook-client.ts'
import { createSigner } from '../src/delivery/signature.ts'
import {
  type Certificate,
  httpAnswer,
  makeCertificate,
  type RawBehaviour,
  type RawReceiver,
  startFullBacklog,
  startRawReceiver,
  writeForever,
} from './faulty-receivers.ts'

const TIMEOUT_MS = 600
/** What the test machine may add to a time-out. */
const SLACK_MS = 700

/** Sockets that anyone in this process has opened, newest last. */
const clientSockets: Socket[] = []
const remember = (message: unknown): void => {
  clientSockets.push((message as { socket: Socket }).socket)
}

let trusted: Certificate
let misnamed: Certificate
const cleanups: (() => unknown)[] = []

beforeAll(async () => {
  trusted = await makeCertificate('127.0.0.1')
  misnamed = await makeCertificate('another.test')
  diagnostics.subscribe('net.client.socket', remember)
})

afterAll(() => {
  diagnostics.unsubscribe('net.client.socket', remember)
})

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  clientSockets.length = 0
})

function client(options: { ca?: string; resolve?: Resolve; timeoutMs?: number } = {}): ClosableWebhookClient {
  const { ca, resolve, timeoutMs = TIMEOUT_MS } = options
  const made = createGotWebhookClient({
    // At once: here connections are used again by the next request.
    quietMs: 0,
    timeoutMs,
    userAgent: 'test',
    guard: createAddressGuard({ allowCidrs: ['127.0.0.0/8'], ...(resolve === undefined ? {} : { resolve }) }),
    signer: createSigner([]),
    ca,
  })
  cleanups.push(made.close)
  return made
}

async function receiver(behaviour: RawBehaviour): Promise<RawReceiver> {
  const started = await startRawReceiver(behaviour)
  cleanups.push(started.close)
  return started
}

function statusIn(mode: DeliveryMode, result: AttemptResult): string {
  const now = Date.now()
  const decision = decide({
    mode,
    maxAttempts: 10,
    giveUpAfterMs: 86_400_000,
    budgetFrom: now,
    attempt: 1,
    result,
    now,
    random: 0.5,
  })
  return decision.kind === 'final' ? decision.status : 'retry'
}

/** What became of one attempt, and what follows from it. */
interface Fate {
  readonly outcome: AttemptResult['outcome']
  readonly responseStatus?: number
  readonly reason?: string
  readonly atMostOnce: string
  readonly atLeastOnce: string
  /** How many requests the receiver saw. */
  readonly requests: number
}

const neverSent = (reason: string): Fate => ({
  outcome: 'never_sent',
  reason,
  atMostOnce: 'retry',
  atLeastOnce: 'retry',
  requests: 0,
})
const ambiguous = (reason: string, requests = 1): Fate => ({
  outcome: 'ambiguous',
  reason,
  atMostOnce: 'unknown',
  atLeastOnce: 'retry',
  requests,
})
const delivered = (responseStatus = 200): Fate => ({
  outcome: 'delivered',
  responseStatus,
  atMostOnce: 'fired',
  atLeastOnce: 'fired',
  requests: 1,
})
const rejected = (responseStatus: number, atLeastOnce: 'failed' | 'retry'): Fate => ({
  outcome: 'rejected',
  responseStatus,
  atMostOnce: 'failed',
  atLeastOnce,
  requests: 1,
})

/** Sends one webhook and gives its fate; checks what must hold whatever happens. */
async function fateOf(
  sender: ClosableWebhookClient,
  url: string,
  seen: { readonly requests: number } = { requests: 0 },
): Promise<Fate> {
  const startedAt = Date.now()
  const { value: result, tookMs: waitedMs } = await timed(() => sender.send({ id: 7, url, attempt: 1 }))
  const tookMs = Date.now() - startedAt

  expect(waitedMs).toBeLessThan(TIMEOUT_MS + SLACK_MS)
  expect(result.sentAt).toBeGreaterThanOrEqual(startedAt)
  expect(result.sentAt).toBeLessThanOrEqual(Date.now())
  if (result.outcome !== 'never_sent') {
    expect(result.connectMs).toBeGreaterThanOrEqual(0)
    expect(result.connectMs).toBeLessThanOrEqual(result.sentAt - startedAt)
    expect(result.responseMs).toBeGreaterThanOrEqual(0)
    expect(result.responseMs).toBeLessThanOrEqual(tookMs)
  }
  return {
    outcome: result.outcome,
    ...(result.responseStatus === undefined ? {} : { responseStatus: result.responseStatus }),
    ...(result.reason === undefined ? {} : { reason: result.reason }),
    atMostOnce: statusIn('at_most_once', result),
    atLeastOnce: statusIn('at_least_once', result),
    requests: seen.requests,
  }
}

describe('no connection', () => {
  test('refused', async () => {
    const port = await stablePort()
    expect(await fateOf(client(), `http://127.0.0.1:${port}`)).toEqual(neverSent('connection refused'))
  })

  test('unknown host', async () => {
    const resolve: Resolve = (_host, _options, done) =>
      setImmediate(() => done(Object.assign(new Error('no such host'), { code: 'ENOTFOUND' }), []))
    expect(await fateOf(client({ resolve }), 'http://nowhere.test')).toEqual(neverSent('host name not found'))
  })

  test('a resolver that never answers', async () => {
    const fate = await fateOf(client({ resolve: () => {} }), 'http://nowhere.test')
    expect(fate).toEqual(neverSent('host name look-up timed out'))
  })

  test('connect time-out', async () => {
    const full = await startFullBacklog()
    cleanups.push(full.close)
    expect(await fateOf(client(), `http://127.0.0.1:${full.port}`)).toEqual(neverSent('connect timed out'))
  })
})

describe('TLS', () => {
  test('to a plain port', async () => {
    const plain = await receiver({ onConnection: (socket) => socket.write('220 smtp.example ESMTP\r\n') })
    const fate = await fateOf(client(), `https://127.0.0.1:${plain.port}`, plain)
    expect(fate).toEqual(neverSent('TLS failure'))
    await eventually(() => expect(plain.open).toBe(0))
  })

  test('untrusted certificate', async () => {
    const secure = await receiver({ tls: trusted })
    const fate = await fateOf(client(), `https://127.0.0.1:${secure.port}`, secure)
    expect(fate).toEqual(neverSent('TLS certificate not accepted'))
    await eventually(() => expect(secure.open).toBe(0))
  })

  test('wrong host name', async () => {
    const secure = await receiver({ tls: misnamed })
    const fate = await fateOf(client({ ca: misnamed.cert }), `https://127.0.0.1:${secure.port}`, secure)
    expect(fate).toEqual(neverSent('TLS certificate not accepted'))
    await eventually(() => expect(secure.open).toBe(0))
  })

  test('a handshake that is never answered', async () => {
    const mute = await receiver({})
    const fate = await fateOf(client(), `https://127.0.0.1:${mute.port}`, mute)
    expect(fate).toEqual(neverSent('TLS handshake timed out'))
    await eventually(() => expect(mute.open).toBe(0))
  })

  test('a handshake that is cut off', async () => {
    const rude = await receiver({
      onConnection: (socket) => socket.once('data', () => socket.resetAndDestroy()),
    })
    const fate = await fateOf(client(), `https://127.0.0.1:${rude.port}`, rude)
    expect(fate).toEqual(neverSent('connection reset'))
  })

  test('a good certificate', async () => {
    const secure = await receiver({ tls: trusted, onRequest: (socket) => socket.write(httpAnswer(200)) })
    const fate = await fateOf(client({ ca: trusted.cert }), `https://127.0.0.1:${secure.port}`, secure)
    expect(fate).toEqual(delivered())
  })

  test('request read, then reset, behind TLS', async () => {
    const secure = await receiver({ tls: trusted, onRequest: (socket) => socket.destroy() })
    const fate = await fateOf(client({ ca: trusted.cert }), `https://127.0.0.1:${secure.port}`, secure)
    expect(fate).toEqual(ambiguous('connection reset'))
  })
})

interface Row {
  readonly title: string
  readonly behaviour: RawBehaviour
  readonly fate: Fate
}

const onRequest = (answer: (socket: Socket) => unknown): RawBehaviour => ({ onRequest: answer })

const BROKEN: readonly Row[] = [
  {
    title: 'accept, then close',
    behaviour: { deaf: true, onConnection: (socket) => socket.destroy() },
    fate: ambiguous('connection reset', 0),
  },
  {
    title: 'request read, then close',
    behaviour: onRequest((socket) => socket.end()),
    fate: ambiguous('connection reset'),
  },
  {
    title: 'request read, then reset',
    behaviour: onRequest((socket) => socket.resetAndDestroy()),
    fate: ambiguous('connection reset'),
  },
  { title: 'no reply', behaviour: {}, fate: ambiguous('no answer in time') },
  {
    title: 'half a status line, then nothing',
    behaviour: onRequest((socket) => socket.write('HTTP/1.1 20')),
    fate: ambiguous('no answer in time'),
  },
  {
    title: 'endless 1xx',
    behaviour: onRequest((socket) => writeForever(socket, 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(600))),
    fate: ambiguous('answer is not HTTP'),
  },
  {
    title: 'garbage instead of HTTP',
    behaviour: onRequest((socket) => socket.write('\u0000\u0001SSH-2.0-OpenSSH_9.7\r\n\r\n')),
    fate: ambiguous('answer is not HTTP'),
  },
  {
    title: '40 KB of headers',
    behaviour: onRequest((socket) => socket.write(httpAnswer(200, { 'x-long': 'x'.repeat(40 * 1_024) }))),
    fate: ambiguous('answer headers too large'),
  },
  {
    title: 'headers without end',
    behaviour: onRequest((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      writeForever(socket, `x-one-more: ${'x'.repeat(10_000)}\r\n`)
    }),
    fate: ambiguous('answer headers too large'),
  },
  {
    title: '200 and a truncated body',
    behaviour: onRequest((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort')),
    fate: delivered(),
  },
  {
    title: '200 and a truncated chunked body',
    behaviour: onRequest((socket) =>
      socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nsho'),
    ),
    fate: delivered(),
  },
  {
    title: '200 and a body of broken chunks',
    behaviour: onRequest((socket) =>
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzzz\r\n'),
    ),
    fate: delivered(),
  },
  {
    title: 'a body that never ends',
    behaviour: onRequest((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      writeForever(socket, Buffer.alloc(16 * 1_024, 'x'))
    }),
    fate: delivered(),
  },
  {
    title: 'a body that drips',
    behaviour: onRequest((socket) => {
      socket.write('HTTP/1.1 500 Any\r\n\r\n')
      const drip = setInterval(() => socket.write('.'), 20)
      socket.once('close', () => clearInterval(drip))
    }),
    fate: rejected(500, 'retry'),
  },
  {
    title: 'a 1 GB gzip bomb',
    behaviour: onRequest((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n')
      const gzip = createGzip()
      gzip.pipe(socket)
      const zeros = Buffer.alloc(1_024 * 1_024)
      let left = 1_024
      const more = (): void => {
        while (!socket.destroyed && left > 0) {
          left -= 1
          if (!gzip.write(zeros)) return void gzip.once('drain', more)
        }
        gzip.end()
      }
      more()
    }),
    fate: delivered(),
  },
  {
    title: '101 and another protocol',
    behaviour: onRequest((socket) =>
      socket.write('HTTP/1.1 101 Any\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'),
    ),
    fate: rejected(101, 'failed'),
  },
]

describe('a receiver that breaks the rules', () => {
  test.each(BROKEN)('$title', async ({ behaviour, fate }) => {
    const broken = await receiver(behaviour)
    expect(await fateOf(client(), `http://127.0.0.1:${broken.port}/hook`, broken)).toEqual(fate)
    // Nothing of it is left: neither the connection, nor more of the answer than is ever read.
    await eventually(() => expect(broken.open).toBe(0))
    const [socket] = clientSockets
    expect(socket?.destroyed).toBe(true)
    expect(socket?.bytesRead).toBeLessThan(256 * 1_024)
  })

  test('reset on accept', async () => {
    const rude = await receiver({ deaf: true, onConnection: (socket) => socket.resetAndDestroy() })
    const fate = await fateOf(client(), `http://127.0.0.1:${rude.port}`, rude)
    // Whether the connection was ever there for the client depends on who was quicker.
    expect([neverSent('connection reset'), ambiguous('connection reset', 0)]).toContainEqual(fate)
  })
})

describe('an answer', () => {
  const answers: readonly Fate[] = [
    delivered(200),
    delivered(201),
    delivered(204),
    rejected(301, 'failed'),
    rejected(302, 'failed'),
    rejected(303, 'failed'),
    rejected(307, 'failed'),
    rejected(308, 'failed'),
    rejected(400, 'failed'),
    rejected(404, 'failed'),
    rejected(408, 'retry'),
    rejected(410, 'failed'),
    rejected(425, 'retry'),
    rejected(429, 'retry'),
    rejected(500, 'retry'),
    rejected(503, 'retry'),
  ]
  test.each(answers)('$responseStatus', async (fate) => {
    const polite = await receiver({
      onRequest: (socket) =>
        socket.write(
          httpAnswer(fate.responseStatus ?? 0, { location: `http://127.0.0.1:${polite.port}/inside` }),
        ),
    })
    const sender = client()
    expect(await fateOf(sender, `http://127.0.0.1:${polite.port}/hook`, polite)).toEqual(fate)
    sender.close()
    await eventually(() => expect(polite.open).toBe(0))
    expect(polite.requests).toBe(1)
  })

  test.each([
    ['120', 120_000],
    ['soon', undefined],
    ['Fri, 31 Dec 1999 23:59:59 GMT', 0],
  ])('503 with Retry-After: %s', async (header, expected) => {
    const busy = await receiver({
      onRequest: (socket) => socket.write(httpAnswer(503, { 'Retry-After': header })),
    })
    const result = await client().send({ id: 1, url: `http://127.0.0.1:${busy.port}`, attempt: 1 })
    expect(result.retryAfterMs).toBe(expected)
  })
})

describe('connections that are used again', () => {
  test('are used again, and gather no listeners', async () => {
    const polite = await receiver({ onRequest: (socket) => socket.write(httpAnswer(200)) })
    const sender = client()
    const send = (id: number) => sender.send({ id, url: `http://127.0.0.1:${polite.port}`, attempt: 1 })
    const listeners = (): Record<string, number> => {
      const [socket] = clientSockets
      const names = socket?.eventNames() ?? []
      return Object.fromEntries(names.map((name) => [String(name), socket?.listenerCount(name) ?? 0]))
    }
    await send(1)
    await send(2)
    const before = listeners()
    for (let id = 3; id <= 40; id += 1) await send(id)
    expect(listeners()).toEqual(before)
    expect(polite).toMatchObject({ requests: 40, connections: 1 })
  })

  test.each(['resetAndDestroy', 'end'] as const)('closed (%s) just as it is used again', async (how) => {
    let idle: Socket | undefined
    const hasty = await receiver({
      onRequest: (socket) => {
        idle = socket
        socket.write(httpAnswer(200))
      },
    })
    const sender = client()
    const url = `http://127.0.0.1:${hasty.port}`
    expect(await fateOf(sender, url, hasty)).toEqual(delivered())
    // Right before the request is written: the event loop cannot hear of the close any more.
    const mayLeave = (): boolean => {
      idle?.pause()
      idle?.[how]()
      return true
    }
    const result = await sender.send({ id: 8, url, attempt: 1, mayLeave })
    expect(result).toMatchObject({ outcome: 'ambiguous', reason: 'connection reset' })
    expect(hasty).toMatchObject({ requests: 1, connections: 1 })
    expect(statusIn('at_most_once', result)).toBe('unknown')
    expect(statusIn('at_least_once', result)).toBe('retry')
  })

  test('known to be closed before it could carry anything', async () => {
    const waiting: Socket[] = []
    const polite = await receiver({
      onRequest: (socket, number) => {
        waiting.push(socket)
        if (number > 1) for (const each of waiting.splice(0)) each.write(httpAnswer(200))
      },
    })
    const sender = client()
    const url = `http://127.0.0.1:${polite.port}`
    await Promise.all([1, 2].map((id) => sender.send({ id, url, attempt: 1 })))
    const idle = clientSockets.filter(({ remotePort }) => remotePort === polite.port)
    expect(idle).toHaveLength(2)
    // Node's pool looks for closed ones at its other end only, and hands out the last of them.
    const mayLeave = (): boolean => {
      idle.at(-1)?.destroy()
      return true
    }
    const result = await sender.send({ id: 3, url, attempt: 1, mayLeave })
    expect(result).toMatchObject({ outcome: 'never_sent', reason: 'connection reset' })
    expect(polite.requests).toBe(2)
  })
})
