import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIPv6, type Socket, type TcpNetConnectOpts } from 'node:net'
import { AddressBlockedError } from './address-guard.ts'

/** An HTTP(S) proxy. */
export interface ProxyServer {
  readonly secure: boolean
  readonly host: string
  readonly port: string
  /** Without user and password: what may stand in a log. */
  readonly origin: string
  readonly authorization: string | undefined
}

/** @throws RangeError where the text is not the URL of a proxy; does not quote it, since it may hold a password */
export function parseProxy(text: string): ProxyServer {
  try {
    const { protocol, hostname, port, origin, username, password } = new URL(text)
    if (protocol !== 'http:' && protocol !== 'https:') throw new RangeError()
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    return {
      secure: protocol === 'https:',
      host: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
      port: port === '' ? (protocol === 'https:' ? '443' : '80') : port,
      origin,
      authorization: credentials === ':' ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`,
    }
  } catch {
    throw new RangeError('not a URL such as http://user:password@proxy.example:3128')
  }
}

/** What a connection fails with when the proxy could not be reached or would not make it. */
class ProxyError extends Error {
  readonly code = 'ERR_PROXY'

  constructor(cause: unknown) {
    super('the proxy made no connection', { cause })
    this.name = 'ProxyError'
  }
}

/**
 * Asks the proxy for a connection to the target, with CONNECT for http and https alike: until the proxy has said yes,
 * provably no byte of a webhook has left, and an answer of the proxy can never be taken for the receiver's. (This is
 * why no package does it: `https-proxy-agent` plays a refusal back as the receiver's answer, `http-proxy-agent` sends
 * the request itself to the proxy, `hpagent` has not been kept since 2022.)
 *
 * A 403 is the proxy's word on where a webhook may go: it counts as blocked. `timeoutMs` is for all of it.
 */
export function openTunnel(
  proxy: ProxyServer,
  target: TcpNetConnectOpts,
  timeoutMs: number,
  callback: (error: Error | null, socket?: Socket) => void,
): void {
  const host = isIPv6(target.host ?? '') ? `[${target.host}]` : target.host
  const authority = `${host}:${target.port}`
  const request = (proxy.secure ? httpsRequest : httpRequest)({
    method: 'CONNECT',
    host: proxy.host,
    port: proxy.port,
    path: authority,
    headers: {
      host: authority,
      ...(proxy.authorization === undefined ? {} : { 'proxy-authorization': proxy.authorization }),
    },
    agent: false,
  })
  const timer = setTimeout(() => request.destroy(new Error('CONNECT timed out')), timeoutMs)
  let settled = false
  const settle = (error: Error | null, socket?: Socket): void => {
    if (settled) return
    settled = true
    clearTimeout(timer)
    callback(error, socket)
  }
  request.once('connect', (response, socket, head) => {
    const { statusCode = 0 } = response
    // A receiver never speaks first: bytes behind the proxy's answer are not its own.
    const agreed = statusCode >= 200 && statusCode < 300
    if (agreed && head.length === 0) return settle(null, socket as Socket)
    socket.destroy()
    settle(statusCode === 403 ? new AddressBlockedError() : new ProxyError(new Error(`status ${statusCode}`)))
  })
  // Stays on: a proxy may fail more than once.
  request.on('error', (error) => settle(new ProxyError(error)))
  request.end()
}
