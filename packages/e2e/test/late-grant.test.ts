import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import {
  eventually,
  Installation,
  postTimer,
  readTimer,
  type Service,
  startTcpProxy,
  type TcpProxy,
} from '@timers/lab'
import { takenAndUnclaimed } from '../src/claims.ts'

/** A lost worker's timers are settled within 15 s of its end. */
const TAKEN_OVER = { timeoutMs: 20_000 }
/** So long on their way that a test can act between two steps of a worker. */
const REPLY_DELAY_MS = 600

describe('a claim whose worker stood still is not sent after the timer was told unknown and redriven', () => {
  const cleanups: (() => unknown)[] = []
  let running: Installation
  beforeEach(async () => {
    running = await Installation.start({ workers: 0, respond: () => ({}) })
    cleanups.push(() => running.close())
  })
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  async function createTimer(): Promise<number> {
    const { body } = await postTimer(running.apiUrl, { seconds: 1, url: running.receiver.hookUrl })
    return Number(body.id)
  }

  /** Another worker declares the attempt interrupted; then the timer is redriven, and sent by it. */
  async function unknownThenRedriven(id: number): Promise<void> {
    const read = () => readTimer(running.apiUrl, id)
    await running.startWorker()
    await eventually(async () => expect(await read()).toMatchObject({ status: 'unknown' }), TAKEN_OVER)
    expect(running.receiver.requests).toEqual([])
    const redriven = await fetch(`${running.apiUrl}/timers/${id}/redrive`, { method: 'POST' })
    expect(redriven.ok).toBe(true)
    await eventually(async () => expect(await read()).toMatchObject({ status: 'fired' }), TAKEN_OVER)
    expect(running.receiver.requests).toHaveLength(1)
  }

  /** The late worker has gone on, and has said what came of its attempt. */
  async function seenOnce(worker: Service, id: number): Promise<void> {
    const line = await worker.waitForLog(({ msg, timerId }) => msg === 'attempt' && timerId === id)
    expect(running.receiver.requests).toHaveLength(1)
    expect(line).toMatchObject({ outcome: 'never_sent', reason: 'the claim grew too old' })
    expect(await readTimer(running.apiUrl, id)).toMatchObject({ status: 'fired' })
  }

  test('its grant was held up between Redis and it', async () => {
    const network: TcpProxy = await startTcpProxy({ targetPort: running.redis.port })
    cleanups.push(() => network.close())
    const late = await running.startWorker({ REDIS_URL: `redis://127.0.0.1:${network.port}` })
    network.setDelay(REPLY_DELAY_MS)
    const id = await createTimer()
    // The timer is on its way to the worker. What Redis says from here on stays with Redis, and then all does.
    await eventually(async () => expect(await takenAndUnclaimed(running)).toEqual([id]))
    await network.setMode('hold-replies')
    await eventually(async () => expect(await claimed(id)).toBe(true))
    await network.setMode('stall')
    await unknownThenRedriven(id)
    network.setDelay(0)
    await network.setMode('forward')
    await seenOnce(late, id)
  }, 60_000)

  test('it was stopped while its connection was made, and the connection is there when it goes on', async () => {
    const gate = await startHeldProxy()
    cleanups.push(() => gate.close())
    const late = await running.startWorker({ DELIVERY_PROXY_URL: `http://127.0.0.1:${gate.port}` })
    const id = await createTimer()
    await eventually(() => expect(gate.asked).toBe(1))
    late.signal('SIGSTOP')
    cleanups.push(() => late.signal('SIGCONT'))
    gate.release(running.receiver.port)
    await unknownThenRedriven(id)
    late.signal('SIGCONT')
    await seenOnce(late, id)
  }, 60_000)

  async function claimed(id: number): Promise<boolean> {
    return (await running.redis.command('HEXISTS', `timers:{0}:t${id}`, 'ca')) === 1
  }
})

/** A proxy that keeps those who ask for a connection waiting, until it leads them to a port of this machine. */
async function startHeldProxy() {
  const waiting: Socket[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer()
  server.on('connect', (_request, socket: Socket) => waiting.push(socket))
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    get asked() {
      return waiting.length
    },
    release(port: number): void {
      for (const socket of waiting) {
        const upstream = connect(port, '127.0.0.1')
        sockets.add(upstream)
        for (const each of [socket, upstream]) each.on('error', () => {})
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
        upstream.pipe(socket).pipe(upstream)
      }
    },
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}
