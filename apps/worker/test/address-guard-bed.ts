import diagnostics from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { type Receiver, startReceiver } from '@timers/lab'
import type { AddressGuard, Resolve } from '../src/delivery/address-guard.ts'
import { type ClosableWebhookClient, createGotWebhookClient } from '../src/delivery/got-webhook-client.ts'
import { createSigner } from '../src/delivery/signature.ts'

export const BLOCKED = { outcome: 'blocked', reason: 'address not allowed' }

export let receiver: Receiver
export let sockets: Socket[] = []
export const cleanups: (() => unknown)[] = []
export let connected = 0
const remember = (message: unknown): void => {
  const { socket } = message as { socket: Socket }
  sockets.push(socket)
  socket.once('connect', () => {
    connected += 1
  })
}

beforeAll(async () => {
  receiver = await startReceiver()
  diagnostics.subscribe('net.client.socket', remember)
})

afterAll(async () => {
  diagnostics.unsubscribe('net.client.socket', remember)
  await receiver.close()
})

beforeEach(() => {
  sockets = []
  connected = 0
})

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

export function client(guard: AddressGuard): ClosableWebhookClient {
  const made = createGotWebhookClient({
    // At once: here connections are used again by the next request.
    quietMs: 0,
    timeoutMs: 2_000,
    userAgent: 'test',
    guard,
    signer: createSigner([]),
  })
  cleanups.push(made.close)
  return made
}

/** A resolver that answers with the next list each time, and remembers what it was asked. */
export function hostile(...answers: readonly (readonly string[])[]) {
  const asked: string[] = []
  const resolve: Resolve = (hostname, _options, done) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? []
    asked.push(hostname)
    setImmediate(() =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      ),
    )
  }
  return { resolve, asked }
}

export const send = (sender: ClosableWebhookClient, url: string) => sender.send({ id: 1, url, attempt: 1 })
