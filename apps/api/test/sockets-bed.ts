import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { eventually, startTestRedis, type TestRedis } from '@timers/lab'
import { startTestApi, type TestApi } from './test-api.ts'

/** What only real sockets show: requests that HTTP cannot read, and how connections end. */
export let redis: TestRedis
export let api: TestApi
export let port: number
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

export async function open(): Promise<Connection> {
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

export const BODY = JSON.stringify({ seconds: 60, url: 'https://example.com' })

export function request(body = BODY, headers: readonly string[] = []): string {
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

export function problemIn(text: string): { status: number; code: string } {
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))
}

/** A connection on which the server has read the beginning of a request. */
export async function openHalfSent(text: string): Promise<Connection> {
  const accepted = once(api.app.server, 'connection') as Promise<[Socket]>
  const connection = await open()
  connection.socket.write(text)
  const [serverSide] = await accepted
  await eventually(() => expect(serverSide.bytesRead).toBe(text.length))
  return connection
}
