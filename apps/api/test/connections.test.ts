import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { eventually, stablePort, startTestRedis, type TestRedis } from '@timers/lab'
import { boundConnections } from '../src/plugins/bounded-connections.ts'

const PING = 'GET /ping HTTP/1.1\r\nhost: localhost\r\n\r\n'
const BODY = JSON.stringify({ seconds: 60, url: 'https://example.com' })
const HEAD = `POST /timers HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n`
const sockets: Socket[] = []

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})

interface Client {
  readonly socket: Socket
  received(): string
}

async function open(port: number, localAddress = '127.0.0.1'): Promise<Client> {
  const socket = connect({ host: '127.0.0.1', port, localAddress })
  sockets.push(socket)
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk.toString()
  })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return { socket, received: () => received }
}

const answered = ({ received }: Client) => eventually(() => expect(received()).toMatch(/\r\n\r\n./))

/** A keep-alive connection that had its answer, and now waits. */
async function openIdle(port: number, localAddress?: string): Promise<Client> {
  const client = await open(port, localAddress)
  client.socket.write(PING)
  await answered(client)
  return client
}

describe('a server with bounds on connections', () => {
  let server: Server
  let port: number
  let openNow: () => number
  let evicted = 0
  let answer: (() => void)[] = []
  let serverSides: Socket[] = []

  beforeEach(async () => {
    evicted = 0
    answer = []
    serverSides = []
    server = createServer((request, response) => {
      if (request.url === '/ping') response.end('pong')
      else answer.push(() => response.end('done'))
    })
    openNow = boundConnections(
      server,
      { total: 4, perAddress: 3 },
      {
        refuse: (socket) => socket.end('no room', () => socket.destroy()),
        evicted: () => {
          evicted += 1
        },
      },
    )
    server.on('connection', (socket) => serverSides.push(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  })

  afterEach(async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })

  const isOpen = ({ socket }: Client) => !socket.destroyed && !socket.readableEnded

  it('closes the one that was idle longest, of the same address', async () => {
    const other = await openIdle(port, '127.0.0.2')
    const [first, second, third] = [await openIdle(port), await openIdle(port), await openIdle(port)]
    first.socket.write(PING)
    await eventually(() => expect(first.received().match(/pong/g)).toHaveLength(2))
    const fourth = await openIdle(port)
    await eventually(() => expect(isOpen(second)).toBe(false))
    expect([other, first, third, fourth].map(isOpen)).toEqual([true, true, true, true])
    expect([openNow(), evicted]).toEqual([4, 1])
  })

  it('closes the one that was idle longest of all, where all together are too many', async () => {
    const clients: Client[] = []
    for (const address of ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6']) {
      clients.push(await openIdle(port, address))
    }
    await eventually(() => expect(isOpen(clients[0] as Client)).toBe(false))
    expect(clients.slice(1).every(isOpen)).toBe(true)
  })

  it('never cuts a request: neither one that waits for its answer nor one that is half sent', async () => {
    const busy = await open(port)
    busy.socket.write('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n')
    await eventually(() => expect(answer).toHaveLength(1))
    const halfSent = await open(port)
    halfSent.socket.write('GET /ping HTTP/1.1\r\nhost:')
    await eventually(() => expect(serverSides.map((socket) => socket.bytesRead)).toContain(25))
    for (let count = 0; count < 5; count += 1) await openIdle(port)
    halfSent.socket.write(' x\r\n\r\n')
    answer[0]?.()
    await Promise.all([answered(halfSent), answered(busy)])
    expect(halfSent.received()).toMatch(/pong$/)
    expect(busy.received()).toMatch(/done$/)
  })

  it('refuses a new one where none is idle, and takes one again when there is room', async () => {
    for (let count = 0; count < 3; count += 1) {
      const client = await open(port)
      client.socket.write('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n')
    }
    await eventually(() => expect(answer).toHaveLength(3))
    const refused = await open(port)
    await once(refused.socket, 'close')
    expect(refused.received()).toBe('no room')
    answer[1]?.()
    await eventually(async () => expect((await openIdle(port)).received()).toMatch(/pong$/))
    expect(openNow()).toBe(3)
  })
})

describe('under a limit of 256 descriptors', () => {
  let redis: TestRedis
  let child: ChildProcess
  let port: number
  let output = ''

  beforeAll(async () => {
    redis = await startTestRedis()
    port = await stablePort()
    const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))
    const loader = file('../../../packages/runtime/test/typescript-loader.mjs')
    const node = [process.execPath, '--conditions=@timers/source', '--import', loader, file('../src/main.ts')]
    child = spawn('sh', ['-c', 'ulimit -n 256; exec "$@"', 'sh', ...node], {
      env: { PATH: process.env.PATH, REDIS_URL: redis.url, HOST: '127.0.0.1', PORT: String(port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        output += chunk
      })
    }
    await eventually(async () => expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200), {
      timeoutMs: 20_000,
    })
  })

  afterAll(async () => {
    if (child?.exitCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    await redis?.stop()
  })

  /** On a connection of its own, as a client that comes now. Gives the status line, or nothing where there was no answer. */
  async function create(): Promise<string> {
    const { socket, received } = await open(port)
    socket.write(`${HEAD}connection: close\r\n\r\n${BODY}`)
    await once(socket, 'close')
    return received().split('\r\n', 1)[0] ?? ''
  }

  it('600 idle keep-alive connections made every create fail', async () => {
    const underWay = await open(port)
    underWay.socket.write(`${HEAD}\r\n`)
    for (let count = 0; count < 600; count += 1) {
      const client = await open(port)
      client.socket.write(PING)
      await Promise.race([once(client.socket, 'data'), once(client.socket, 'close')])
    }
    const statuses = []
    for (let count = 0; count < 20; count += 1) statuses.push(await create())
    expect(statuses).toEqual(Array(20).fill('HTTP/1.1 201 Created'))
    underWay.socket.write(BODY)
    await answered(underWay)
    expect(underWay.received()).toMatch(/^HTTP\/1\.1 201 /)
    expect(output).not.toMatch(/EMFILE/)
  })

  it('600 connections that say nothing made every create fail', async () => {
    await Promise.all(Array.from({ length: 600 }, () => open(port)))
    const statuses = await Promise.all(Array.from({ length: 20 }, create))
    expect(statuses).toEqual(Array(20).fill('HTTP/1.1 201 Created'))
  })
})
