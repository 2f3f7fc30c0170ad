import { type AgentOptions, type ClientRequest, Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent, type AgentOptions as HttpsAgentOptions } from 'node:https'
import { isIP, connect as netConnect, Socket, type TcpNetConnectOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import { AddressBlockedError, type AddressGuard } from './address-guard.ts'
import { openTunnel, type ProxyServer } from './proxy-tunnel.ts'
import { QuietSockets } from './quiet-sockets.ts'

/**
 * Idle connections are kept this long, in milliseconds. Shorter than the idle time of nearly every server (Gunicorn's
 * 2 s is the shortest in wide use), because a connection that the receiver closes just as it is used again makes the
 * outcome ambiguous. Where a server announces a shorter time (`Keep-Alive: timeout=`), Node's agent respects it.
 */
const IDLE_SOCKET_MS = 1_500
/** How long one address of a host with several is tried; Node's own 250 ms gives false timeouts. */
const ADDRESS_ATTEMPT_MS = 2_500

export interface ConnectionsOptions {
  readonly guard: AddressGuard
  /** All connections go through it; then it is the place where host names are judged, and the guard sees literals only. */
  readonly proxy?: ProxyServer | undefined
  /** For the proxy's part of a connection, in milliseconds. */
  readonly connectTimeoutMs: number
  /** Certificate authorities (PEM) to trust instead of the built-in ones. */
  readonly ca?: string | undefined
  /** How long a connection must be silent after an answer before it is used again, in milliseconds. */
  readonly quietMs?: number | undefined
}

/** The agents that all webhooks use, and what is known of their sockets. */
export interface Connections {
  readonly http: HttpAgent
  readonly https: HttpsAgent
  /**
   * When a socket became able to carry a request (connected, for https with its handshake done), in epoch
   * milliseconds. While undefined, provably no byte of any request has left through it.
   */
  readyAt(socket: Socket): number | undefined
  /** To be waited for right before a request: what has arrived on idle connections is seen, and they are not used. */
  look(): Promise<void>
  /** Closes all connections. */
  close(): void
}

type OnCreate = (error: Error | null, socket: Duplex) => void

/**
 * Makes the agents. The guard stands at every way to a connection: an address that a URL names itself is judged
 * before connecting, those of a host name in the look-up that the connection is made with, and a connection of the
 * pool once more before it is used again. Into the pool come quiet sockets only.
 */
export function createConnections(options: ConnectionsOptions): Connections {
  const { guard, proxy, connectTimeoutMs, ca } = options
  const readyAt = new WeakMap<Socket, number>()
  const markReady = (socket: Socket): void => void readyAt.set(socket, Date.now())
  const quietSockets = new QuietSockets(options.quietMs)
  const pool: AgentOptions = {
    keepAlive: true,
    timeout: IDLE_SOCKET_MS,
    maxFreeSockets: 256,
    scheduling: 'lifo',
  }

  /** Gives the options to connect with, or undefined where it has refused. */
  const guarded = (request: object, done: OnCreate | undefined): TcpNetConnectOpts | undefined => {
    const target = request as TcpNetConnectOpts
    const { host = '' } = target
    if (host === '' || (isIP(host) !== 0 && guard.check(host) !== 'allowed')) {
      // Node's agent looks at the error alone.
      done?.(new AddressBlockedError(), undefined as never)
      return undefined
    }
    return { ...target, lookup: guard.lookup, autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS }
  }
  const checkReuse = (socket: Duplex, request: ClientRequest): void => {
    if (!(socket instanceof Socket)) return
    quietSockets.reused(socket)
    // What is closed already can carry nothing: the request fails, and it is known that it never left.
    if (socket.destroyed) readyAt.delete(socket)
    else if (proxy === undefined && guard.check(socket.remoteAddress ?? '') !== 'allowed') {
      request.destroy(new AddressBlockedError())
      // Later: a request whose socket is gone fails with the loss of the socket, and not with what was said here.
      setImmediate(() => socket.destroy())
    }
  }

  class GuardedHttpAgent extends HttpAgent {
    override createConnection(request: object, done?: OnCreate): Duplex | undefined {
      const target = guarded(request, done)
      if (target === undefined) return undefined
      if (proxy === undefined) {
        const socket = netConnect(target)
        quietSockets.watch(socket)
        socket.once('connect', () => markReady(socket))
        return socket
      }
      openTunnel(proxy, target, connectTimeoutMs, (error, socket) => {
        if (socket !== undefined) {
          quietSockets.watch(socket)
          markReady(socket)
        }
        done?.(error, socket as Socket)
      })
      return undefined
    }

    override reuseSocket(socket: Duplex, request: ClientRequest): void {
      super.reuseSocket(socket, request)
      checkReuse(socket, request)
    }
  }

  class GuardedHttpsAgent extends HttpsAgent {
    override createConnection(request: object, done?: OnCreate): Duplex | undefined {
      const target = guarded(request, done)
      if (target === undefined) return undefined
      if (proxy === undefined) return this.#handshake(target)
      openTunnel(proxy, target, connectTimeoutMs, (error, tunnel) => {
        done?.(
          error,
          tunnel === undefined ? (undefined as never) : this.#handshake({ ...target, socket: tunnel }),
        )
      })
      return undefined
    }

    #handshake(target: object): Socket {
      const socket = super.createConnection(target) as Socket
      quietSockets.watch(socket)
      socket.once('secureConnect', () => markReady(socket))
      return socket
    }

    override reuseSocket(socket: Duplex, request: ClientRequest): void {
      super.reuseSocket(socket, request)
      checkReuse(socket, request)
    }
  }

  const tls: HttpsAgentOptions = { ...pool, rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) }
  const http = new GuardedHttpAgent(pool)
  const https = new GuardedHttpsAgent(tls)
  quietSockets.guard(http)
  quietSockets.guard(https)
  return {
    http,
    https,
    readyAt: (socket) => readyAt.get(socket),
    look: () => quietSockets.look(),
    close() {
      http.destroy()
      https.destroy()
    },
  }
}
