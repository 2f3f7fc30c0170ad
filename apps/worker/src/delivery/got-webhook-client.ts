import { callbackUrl, type WebhookClient, type WebhookRequest, webhookUrl } from '@timers/core'
import got, { type Options } from 'got'
import type { AddressGuard } from './address-guard.ts'
import { tooOld, watchAttempt } from './attempt.ts'
import { createConnections } from './connections.ts'
import type { ProxyServer } from './proxy-tunnel.ts'
import type { Signer } from './signature.ts'

/** Node's own bound on the head of an answer, in bytes; written down, so that no flag of the process moves it. */
const MAX_HEADER_BYTES = 16 * 1_024
/** Most time for the proxy's part of a connection, in milliseconds. */
const PROXY_TIMEOUT_MS = 10_000

/** Headers of a client that never go out: they belong to one connection (RFC 9110, 7.6.1), or frame the body. */
const DROPPED_HEADERS = [
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

export interface WebhookClientOptions {
  /** For a whole webhook, in milliseconds. */
  readonly timeoutMs: number
  /** Product token for the `user-agent` header. */
  readonly userAgent: string
  readonly guard: AddressGuard
  readonly signer: Signer
  readonly proxy?: ProxyServer | undefined
  /** Certificate authorities (PEM) to trust instead of the built-in ones. */
  readonly ca?: string | undefined
  /** How long a connection must be silent after an answer before it is used again, in milliseconds. */
  readonly quietMs?: number | undefined
}

export interface ClosableWebhookClient extends WebhookClient {
  /** Closes all connections. */
  close(): void
}

/**
 * Gives Node's request only the options that are used here. got passes some forty, nearly all undefined, and Node
 * copies them three times over: half of the time and garbage of a request (docs/benchmarks.md).
 */
function withLeanNativeOptions(options: Options): Options {
  options.createNativeRequestOptions = () => {
    const { url, agent, method, headers, maxHeaderSize } = options
    const own = (url as URL).protocol === 'https:' ? agent.https : agent.http
    return { agent: own, method, headers, maxHeaderSize } as never
  }
  return options
}

/**
 * Sends webhooks with got in its streaming form: the promise form buffers whole answers.
 *
 * One try, no redirects, no decompression, no HTTP/2, no proxy from the environment. Everything that can happen out
 * there comes back as an outcome, within `timeoutMs`; nothing is thrown.
 */
export function createGotWebhookClient(options: WebhookClientOptions): ClosableWebhookClient {
  const { timeoutMs, userAgent, guard, signer, proxy, ca, quietMs } = options
  const connections = createConnections({
    guard,
    proxy,
    connectTimeoutMs: Math.min(timeoutMs, PROXY_TIMEOUT_MS),
    ca,
    quietMs,
  })
  const client = got.extend({
    agent: { http: connections.http, https: connections.https },
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    decompress: false,
    http2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    handlers: [(options, next) => next(withLeanNativeOptions(options))],
  })

  /** Ours win over those that a client asked for. */
  const headersOf = ({ id, callbackOf, body, headers: asked }: WebhookRequest): Record<string, string> => {
    const headers: Record<string, string> = { ...asked }
    if (asked !== undefined) for (const name of DROPPED_HEADERS) delete headers[name]
    // The same for every attempt. A callback has an id of its own, so no two events share one.
    const webhookId = callbackOf === undefined ? `timer_${id}` : `event_${id}`
    const timestamp = Math.floor(Date.now() / 1_000)
    headers['user-agent'] = userAgent
    headers['webhook-id'] = webhookId
    headers['webhook-timestamp'] = String(timestamp)
    const signature = signer.sign(webhookId, timestamp, body ?? '')
    if (signature === undefined) delete headers['webhook-signature']
    else headers['webhook-signature'] = signature
    if (body !== undefined) headers['content-type'] = 'application/json'
    return headers
  }

  return {
    async send(request) {
      await connections.look()
      const { body, mayLeave = () => true } = request
      if (!mayLeave()) return tooOld(Date.now())
      const url =
        request.callbackOf === undefined ? webhookUrl(request.url, request.id) : callbackUrl(request.url)
      const headers = headersOf(request)
      if (body === undefined) headers['content-length'] = '0'
      const stream = client.stream.post(url, body === undefined ? { headers } : { headers, body })
      // Ended here, not by an empty body of got's: so head and end leave in one write.
      if (body === undefined) stream.end()
      return watchAttempt(stream, url, { connections, timeoutMs, mayLeave })
    },
    close: connections.close,
  }
}
