import diagnostics from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { type AttemptResult, type DeliveryMode, decide } from '@timers/core'
import { timed } from '@timers/lab'
import { createAddressGuard, type Resolve } from '../src/delivery/address-guard.ts'
import { type ClosableWebhookClient, createGotWebhookClient } from '../src/delivery/got-webhook-client.ts'
import { createSigner } from '../src/delivery/signature.ts'
import { type RawBehaviour, type RawReceiver, startRawReceiver } from './faulty-receivers.ts'

const TIMEOUT_MS = 600
/** What the test machine may add to a time-out. */
const SLACK_MS = 700

/** Sockets that anyone in this process has opened, newest last. */
export const clientSockets: Socket[] = []
const remember = (message: unknown): void => {
  clientSockets.push((message as { socket: Socket }).socket)
}

export const cleanups: (() => unknown)[] = []

beforeAll(() => {
  diagnostics.subscribe('net.client.socket', remember)
})

afterAll(() => {
  diagnostics.unsubscribe('net.client.socket', remember)
})

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  clientSockets.length = 0
})

export function client(
  options: { ca?: string; resolve?: Resolve; timeoutMs?: number } = {},
): ClosableWebhookClient {
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

export async function receiver(behaviour: RawBehaviour): Promise<RawReceiver> {
  const started = await startRawReceiver(behaviour)
  cleanups.push(started.close)
  return started
}

export function statusIn(mode: DeliveryMode, result: AttemptResult): string {
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
export interface Fate {
  readonly outcome: AttemptResult['outcome']
  readonly responseStatus?: number
  readonly reason?: string
  readonly atMostOnce: string
  readonly atLeastOnce: string
  /** How many requests the receiver saw. */
  readonly requests: number
}

export const neverSent = (reason: string): Fate => ({
  outcome: 'never_sent',
  reason,
  atMostOnce: 'retry',
  atLeastOnce: 'retry',
  requests: 0,
})
export const ambiguous = (reason: string, requests = 1): Fate => ({
  outcome: 'ambiguous',
  reason,
  atMostOnce: 'unknown',
  atLeastOnce: 'retry',
  requests,
})
export const delivered = (responseStatus = 200): Fate => ({
  outcome: 'delivered',
  responseStatus,
  atMostOnce: 'fired',
  atLeastOnce: 'fired',
  requests: 1,
})
export const rejected = (responseStatus: number, atLeastOnce: 'failed' | 'retry'): Fate => ({
  outcome: 'rejected',
  responseStatus,
  atMostOnce: 'failed',
  atLeastOnce,
  requests: 1,
})

/** Sends one webhook and gives its fate; checks what must hold whatever happens. */
export async function fateOf(
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
