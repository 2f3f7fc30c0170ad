import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { eventually, startTestRedis, type TestRedis, timed } from '@timers/lab'
import { startTestApi, type TestApi } from './test-api.ts'

/** What only real sockets show: requests that HTTP cannot read, and how connections end. */
let redis: TestRedis
let api: TestApi
let port: number
const sockets: Socket[] = []

beforeEach(async () => {
  redis = await startTestRedis()
  api = await startTestApi({ redisUrl: redis.url, env: { SHUTDOWN_TIMEOUT_MS: '1000' } })
  port = await api.listen()
  await api.ready()
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  redis.resume()
  await api.close()
  await redis.stop()
})

interface Connection {
  readonly socket: Socket
  /** What was received so far. */
  received(): string
  readonly closed: Promise<void>
}

async function open(): Promise<Connection> {
  const socket = connect({ host: '127.0.0.1', port })
  sockets.push(socket)
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk.toString()
  })
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
  return { socket, received: () => received, closed }
}

const BODY = JSON.stringify({ seconds: 60, url: 'https://example.com' })

function request(body = BODY, headers: readonly string[] = []): string {
  return [
    'POST /timers HTTP/1.1',
    'host: localhost',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    ...headers,
    '',
    body,
  ].join('\r\n')
}

function problemIn(text: string): { status: number; code: string } {
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))
}

describe('what is not HTTP', () => {
  it.each([
    ['garbage', 'hello\r\n\r\n', 400, 'BAD_REQUEST'],
    ['a bad header', 'GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n', 400, 'BAD_REQUEST'],
    [
      'both lengths',
      'POST /timers HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
      'BAD_REQUEST',
    ],
    [
      'a URL of 20 KB',
      `GET /timers/${'1'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
      431,
      'HEADERS_TOO_LARGE',
    ],
    [
      'headers of 20 KB',
      `GET /ping HTTP/1.1\r\nhost: x\r\nx: ${'1'.repeat(20_000)}\r\n\r\n`,
      431,
      'HEADERS_TOO_LARGE',
    ],
    [
      'another expectation',
      'GET /ping HTTP/1.1\r\nhost: x\r\nexpect: cake\r\nconnection: close\r\n\r\n',
      417,
      'EXPECTATION_FAILED',
    ],
    ['no Host', 'GET /ping HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'BAD_REQUEST'],
    [
      'two Hosts',
      'GET /ping HTTP/1.1\r\nhost: x\r\nHost: y\r\nconnection: close\r\n\r\n',
      400,
      'BAD_REQUEST',
    ],
    [
      'one Host twice',
      'GET /ping HTTP/1.1\r\nhost: x\r\nhost: x\r\nconnection: close\r\n\r\n',
      400,
      'BAD_REQUEST',
    ],
    [
      'a Host that is none',
      'GET /ping HTTP/1.1\r\nhost: a b/c\r\nconnection: close\r\n\r\n',
      400,
      'BAD_REQUEST',
    ],
    ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 404, 'NOT_FOUND'],
  ])('is answered with a problem: %s', async (_name, text, status, code) => {
    const connection = await open()
    connection.socket.write(text)
    await connection.closed
    expect(connection.received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*\\r\\n`))
    expect(connection.received()).toMatch(/content-type: application\/problem\+json\r\n/i)
    expect(problemIn(connection.received())).toMatchObject({ status, code })
  })
})

it('is counted by its code, like any other problem', async () => {
  const connection = await open()
  connection.socket.write('hello\r\n\r\n')
  await connection.closed
  const { payload } = await api.app.inject('/metrics')
  expect(payload).toMatch(/^timers_api_problems_total\{code="BAD_REQUEST",service="api"\} 1$/m)
})

it('HTTP/1.0 has no Host', async () => {
  const connection = await open()
  connection.socket.write('GET /ping HTTP/1.0\r\n\r\n')
  await connection.closed
  expect(connection.received()).toMatch(/^HTTP\/1\.1 200 /)
})

describe('a client that closes its half of the connection', () => {
  it.each([1, 3])('got no answer, though its %i timers were created', async (count) => {
    const { socket, received, closed } = await open()
    socket.end(request().repeat(count))
    await closed
    expect(received().match(/HTTP\/1\.1 201 Created/g)).toHaveLength(count)
    expect(received().match(/"id":\d+/g)).toHaveLength(count)
  })

  it('before it has sent anything is let go', async () => {
    const { socket, received, closed } = await open()
    socket.end()
    await closed
    expect(received()).toBe('')
  })

  it('in the middle of a request is told so', async () => {
    const { socket, received, closed } = await open()
    socket.end('POST /timers HTTP/1.1\r\nhost: x\r\n')
    await closed
    expect(problemIn(received())).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
  })

  it('in the middle of a body creates nothing', async () => {
    const { socket, received, closed } = await open()
    socket.end(request().slice(0, -5))
    await closed
    expect(received()).not.toMatch(/ 201 /)
    expect((await api.app.inject('/metrics')).payload).toMatch(/^timers_created_total\{service="api"\} 0$/m)
  })
})

describe('what comes too slowly', () => {
  it('is answered with 408', async () => {
    // Node looks for late requests every two seconds, as the server is set up.
    api.app.server.headersTimeout = 50
    const { closed, received, socket } = await open()
    socket.write('GET /ping HTTP/1.1\r\nhost:')
    await closed
    expect(received()).toMatch(/^HTTP\/1\.1 408 /)
    expect(problemIn(received())).toMatchObject({ status: 408, code: 'REQUEST_TIMEOUT' })
  })
})

describe('a body that is too large', () => {
  it('can still be sent to its end, and the answer be read', async () => {
    const reply = await fetch(`http://127.0.0.1:${port}/timers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: 'x'.repeat(4_000_000),
    })
    expect(reply.status).toBe(413)
    expect(await reply.json()).toMatchObject({ code: 'BODY_TOO_LARGE' })
  })

  it('is noticed without a length, too', async () => {
    const { socket, received } = await open()
    socket.write(
      'POST /timers HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
    )
    for (let chunk = 0; chunk < 5; chunk += 1) socket.write(`1000\r\n${'x'.repeat(4_096)}\r\n`)
    await eventually(() => expect(received()).toMatch(/^HTTP\/1\.1 413 /))
  })
})

describe('a connection', () => {
  it('serves on after a refused request, and requests one after the other in order', async () => {
    const { socket, received } = await open()
    socket.write(request('{broken') + request() + request('{}') + request())
    await eventually(() => expect(received().match(/HTTP\/1\.1 \d+/g)).toHaveLength(4))
    expect(received().match(/HTTP\/1\.1 (\d+)/g)).toEqual([
      'HTTP/1.1 400',
      'HTTP/1.1 201',
      'HTTP/1.1 400',
      'HTTP/1.1 201',
    ])
  })

  it('serves on after a body that was refused unread, and takes one of no chunks for none', async () => {
    const { socket, received } = await open()
    const fire = 'POST /timers/999999999/fire HTTP/1.1\r\nhost: x\r\n'
    const text = 'x'.repeat(1_000_000)
    socket.write(`${fire}content-type: text/plain\r\ncontent-length: ${text.length}\r\n\r\n${text}`)
    socket.write(`${fire}transfer-encoding: chunked\r\n\r\n0\r\n\r\n`)
    await eventually(() =>
      expect(received().match(/HTTP\/1\.1 (\d+)/g)).toEqual(['HTTP/1.1 415', 'HTTP/1.1 404']),
    )
  })

  it('that ends before the body of its request is no defect of ours', async () => {
    const problems = async (code: string) => {
      const { payload } = await api.app.inject('/metrics')
      return Number(
        new RegExp(`^timers_api_problems_total\\{.*code="${code}".*\\} (\\d+)$`, 'm').exec(payload)?.[1],
      )
    }
    const before = await problems('UNSUPPORTED_MEDIA_TYPE')
    const { socket } = await openHalfSent(
      'POST /timers/1/fire HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\n',
    )
    socket.destroy()
    await eventually(async () => expect(await problems('UNSUPPORTED_MEDIA_TYPE')).toBe(before + 1))
    expect(await problems('INTERNAL_ERROR')).toBe(0)
  })

  it('says 100-continue to those who ask before they send', async () => {
    const { socket, received } = await open()
    const [head, body] = request(BODY, ['expect: 100-continue']).split('\r\n\r\n')
    socket.write(`${head}\r\n\r\n`)
    await eventually(() => expect(received()).toMatch(/^HTTP\/1\.1 100 Continue/))
    socket.write(body ?? '')
    await eventually(() => expect(received()).toMatch(/HTTP\/1\.1 201 /))
  })
})

describe('closing', () => {
  it('finishes the request in flight, says so to the connection, and waits for no one else', async () => {
    const idle = await open()
    idle.socket.write('GET /ping HTTP/1.1\r\nhost: x\r\n\r\n')
    await eventually(() => expect(idle.received()).toContain('pong'))
    const untouched = await open()

    redis.pause()
    const busy = await open()
    const arrived = once(api.app.server, 'request')
    busy.socket.write(request())
    await arrived
    const closing = api.app.close()
    await Promise.all([idle.closed, untouched.closed])
    expect(busy.received()).toBe('')

    redis.resume()
    const { tookMs } = await timed(() => Promise.all([closing, busy.closed]))
    expect(tookMs).toBeLessThan(500)
    expect(busy.received()).toMatch(/^HTTP\/1\.1 201 Created\r\n/)
    expect(busy.received()).toMatch(/connection: close\r\n/i)
    await expect(fetch(`http://127.0.0.1:${port}/ping`)).rejects.toThrow('fetch failed')
  })

  it('answers requests that were half sent when it began, and /readyz with 503', async () => {
    const late = await openHalfSent('GET /readyz HTTP/1.1\r\nhost: x\r\n')
    const closing = api.app.close()
    late.socket.write('\r\n')
    await closing
    await late.closed
    expect(late.received()).toMatch(/^HTTP\/1\.1 503 .*\r\n/)
    expect(problemIn(late.received())).toMatchObject({
      code: 'NOT_READY',
      problems: ['the service is stopping'],
    })
  })

  it('cuts a request that never ends, before the deadline of the shutdown', async () => {
    const slow = await openHalfSent('POST /timers HTTP/1.1\r\nhost: x\r\n')
    const { tookMs } = await timed(() => api.app.close())
    expect(tookMs).toBeLessThan(1_000)
    await slow.closed
    expect(slow.received()).toBe('')
  })
})

/** A connection on which the server has read the beginning of a request. */
async function openHalfSent(text: string): Promise<Connection> {
  const accepted = once(api.app.server, 'connection') as Promise<[Socket]>
  const connection = await open()
  connection.socket.write(text)
  const [serverSide] = await accepted
  await eventually(() => expect(serverSide.bytesRead).toBe(text.length))
  return connection
}
