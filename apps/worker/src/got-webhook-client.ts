import { type ClientRequest, Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net'
import { type AttemptResult, type WebhookClient, type WebhookRequest, webhookUrl } from '@timers/core'
import got, { type Request, type RequestError, type Response } from 'got'
import { failureReason } from './failure-reason.ts'

/** Most of an answer that is read; the rest is cut off. Nobody looks at it: it is read to reuse the connection. */
const MAX_RESPONSE_BYTES = 64 * 1_024
/** How long an answer's body may take once its head has told the outcome, in milliseconds. */
const BODY_TIMEOUT_MS = 2_000
/** Idle connections are kept this long; short, because a socket that the receiver closes as we reuse it is ambiguous. */
const IDLE_SOCKET_MS = 4_000
/** Node's 250 ms for one address of a host with several gives false timeouts. */
const ADDRESS_ATTEMPT_MS = 2_500

export interface WebhookClientOptions {
  /** For a whole webhook, in milliseconds. */
  readonly timeoutMs: number
  /** Product token for the `user-agent` header. */
  readonly userAgent: string
}

export interface ClosableWebhookClient extends WebhookClient {
  /** Closes idle connections. */
  close(): void
}

/** What was seen of one request, whatever way it ended. */
interface Sighting {
  request: ClientRequest | undefined
  stream: Request
}

/**
 * Sends webhooks with got in its streaming form: the promise form buffers whole answers.
 *
 * One try, no redirects, no decompression, no HTTP/2, a timeout for every phase. Everything that can happen out there
 * comes back as an outcome; nothing is thrown.
 */
export function createGotWebhookClient(options: WebhookClientOptions): ClosableWebhookClient {
  setDefaultAutoSelectFamilyAttemptTimeout(ADDRESS_ATTEMPT_MS)
  const pool = { keepAlive: true, timeout: IDLE_SOCKET_MS, maxFreeSockets: 256, scheduling: 'lifo' } as const
  const agent = { http: new HttpAgent(pool), https: new HttpsAgent(pool) }
  const { timeoutMs } = options
  const phaseMs = Math.min(timeoutMs, 5_000)
  const client = got.extend({
    agent,
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    decompress: false,
    http2: false,
    timeout: {
      lookup: phaseMs,
      connect: Math.min(timeoutMs, 10_000),
      secureConnect: phaseMs,
      send: phaseMs,
      response: timeoutMs,
      request: timeoutMs,
    },
    headers: { 'user-agent': options.userAgent },
  })

  return {
    send: (request) => send(client.stream.post(webhookUrl(request.url, request.id), requestOptions(request))),
    close: () => {
      agent.http.destroy()
      agent.https.destroy()
    },
  }
}

function requestOptions(request: WebhookRequest) {
  return { body: '', headers: { 'webhook-id': `timer_${request.id}` } }
}

function send(stream: Request): Promise<AttemptResult> {
  const startedAt = Date.now()
  return new Promise((resolve) => {
    const seen: Sighting = { request: undefined, stream }
    let answered: AttemptResult | undefined
    let bodyTimer: NodeJS.Timeout | undefined
    const finish = (result: AttemptResult) => {
      clearTimeout(bodyTimer)
      resolve(result)
    }
    stream.once('request', (request) => {
      seen.request = request
    })
    stream.once('response', (response: Response) => {
      const result = answer(response, startedAt, seen)
      answered = result
      let bytes = 0
      const cut = () => {
        stream.destroy()
        finish(result)
      }
      bodyTimer = setTimeout(cut, BODY_TIMEOUT_MS)
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > MAX_RESPONSE_BYTES) cut()
      })
      stream.once('end', () => finish(result))
    })
    // Stays on: got may report more than once, and an answer that breaks off has told its outcome already.
    stream.on('error', (error: RequestError) => finish(answered ?? failure(error, startedAt, seen)))
    stream.once('close', () => finish(answered ?? failure(undefined, startedAt, seen)))
  })
}

/** The receiver answered: its status is the outcome, whatever becomes of the rest. */
function answer(response: Response, startedAt: number, seen: Sighting): AttemptResult {
  const sentAt = requestLeftAt(seen) ?? startedAt
  const status = response.statusCode
  return {
    outcome: status >= 200 && status < 300 ? 'delivered' : 'rejected',
    responseStatus: status,
    sentAt,
    connectMs: Math.max(0, sentAt - startedAt),
    responseMs: Math.max(0, Date.now() - sentAt),
  }
}

function failure(error: RequestError | undefined, startedAt: number, seen: Sighting): AttemptResult {
  const reason = failureReason(error)
  const sentAt = requestLeftAt(seen)
  if (sentAt === undefined) return { outcome: 'never_sent', sentAt: startedAt, reason }
  return {
    outcome: 'ambiguous',
    sentAt,
    reason,
    connectMs: Math.max(0, sentAt - startedAt),
    responseMs: Math.max(0, Date.now() - sentAt),
  }
}

/**
 * When the request left, or undefined where it provably never did: there was no connection (for https: no finished
 * handshake) to write it to. Error codes do not tell: ECONNRESET is on both sides. A reused socket was connected
 * before, so it may have carried bytes. Measured on refusals, resets, TLS faults and reuse races; does not hold for
 * HTTP/2.
 */
function requestLeftAt({ request, stream }: Sighting): number | undefined {
  const timings = stream.timings
  if (request === undefined || timings === undefined) return undefined
  if (request.reusedSocket) return timings.socket ?? timings.start
  return request.protocol === 'https:' ? timings.secureConnect : timings.connect
}
