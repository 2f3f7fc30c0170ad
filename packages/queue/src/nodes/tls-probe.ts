import { createConnection, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls'
import type { Address } from '@timers/core'
import { troubleIn } from './redis-trouble.ts'

/** Longest wait for either side to say something, in milliseconds. */
const PATIENCE_MS = 1_000

/**
 * Whether the trouble with an address is TLS: the client library only sees a connection that closes, or stays silent.
 *
 * @param tls how it was spoken to; undefined: without TLS
 */
export async function tlsTrouble(address: Address, tls: TlsOptions | undefined): Promise<string | undefined> {
  if (tls === undefined) {
    if (
      (await speaksPlain(address)) ||
      (await shakeHands(address, { rejectUnauthorized: false })) !== 'yes'
    ) {
      return undefined
    }
    return 'Redis speaks TLS on this port: write rediss instead of redis in REDIS_URL, or the port without TLS'
  }
  const answer = await shakeHands(address, tls)
  if (answer === 'yes') return undefined
  const trouble = troubleIn(answer)
  if (trouble !== undefined || !(await speaksPlain(address))) return trouble
  return 'Redis does not speak TLS on this port: write redis instead of rediss in REDIS_URL, or the port for TLS'
}

/** Whether it answers as Redis does, whatever the answer is. */
async function speaksPlain(address: Address): Promise<boolean> {
  const socket = createConnection(address, () => socket.write('PING\r\n'))
  const first = await firstOf(socket, 'data')
  return first instanceof Uint8Array && /^[-+]/.test(Buffer.from(first).toString('latin1'))
}

/** `yes`, or the error. */
function shakeHands(address: Address, tls: TlsOptions): Promise<unknown> {
  return firstOf(connectTls({ ...tls, ...address }), 'secureConnect').then((what) => what ?? 'yes')
}

/** What comes first: the event with what it brings, an error, or the end of the patience. Closes the socket. */
function firstOf(socket: Socket, event: 'data' | 'secureConnect'): Promise<unknown> {
  return new Promise((resolve) => {
    socket.setTimeout(PATIENCE_MS, () => resolve(new Error('silent')))
    socket.once(event, resolve)
    socket.once('close', () => resolve(new Error('closed')))
    socket.on('error', resolve)
  }).finally(() => socket.destroy())
}
