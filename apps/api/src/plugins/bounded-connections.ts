import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { networkOf } from '@timers/runtime'

export interface ConnectionBounds {
  readonly total: number
  readonly perAddress: number
}

/** What is told of connections as it happens. */
export interface ConnectionEvents {
  /** There is no room for this one: answer it, and end it. */
  readonly refuse: (socket: Socket) => void
  /** An idle one was closed to make room for another. */
  readonly evicted: () => void
}

interface Connection {
  readonly peer: string
  /** Requests that have not been answered to the end. */
  requests: number
  /** What had been read from it when it last became idle: more than this, and a request is on its way. */
  readWhenIdle: number
}

/**
 * Bounds how many connections a server has, in all and from one peer, so that it never comes to the end of its file
 * descriptors: then it could not accept, log or reach Redis any more.
 *
 * A new connection that has no place takes that of the one which has been idle longest (of its own peer where that one
 * has too many); one on which a request is under way is never cut. Where none is idle the new one goes to `refuse`.
 *
 * Gives the number of connections that are open.
 */
export function boundConnections(
  server: Server,
  bounds: ConnectionBounds,
  { refuse, evicted }: ConnectionEvents,
): () => number {
  const connections = new Map<Socket, Connection>()
  const perPeer = new Map<string, number>()
  /** The longest idle first. */
  const idle = new Map<Socket, Connection>()

  function forget(socket: Socket): void {
    const connection = connections.get(socket)
    if (connection === undefined) return
    connections.delete(socket)
    idle.delete(socket)
    const left = (perPeer.get(connection.peer) ?? 0) - 1
    if (left > 0) perPeer.set(connection.peer, left)
    else perPeer.delete(connection.peer)
  }

  /** Whether there was one to close: of this peer, if one is named. The descriptor is free when this returns. */
  function closeLongestIdle(peer?: string): boolean {
    for (const [socket, connection] of idle) {
      if (peer !== undefined && connection.peer !== peer) continue
      if (socket.bytesRead > connection.readWhenIdle) continue
      forget(socket)
      socket.destroy()
      evicted()
      return true
    }
    return false
  }

  /** One function for all answers: a closure for each costs more than what it does. */
  function answered(this: ServerResponse): void {
    const { socket } = this.req
    const connection = connections.get(socket)
    if (connection === undefined) return
    connection.requests -= 1
    if (connection.requests > 0) return
    connection.readWhenIdle = socket.bytesRead
    idle.set(socket, connection)
  }

  function isRoomFor(peer: string): boolean {
    if ((perPeer.get(peer) ?? 0) >= bounds.perAddress) return closeLongestIdle(peer)
    return connections.size < bounds.total || closeLongestIdle()
  }

  // In front of Node's own listener: a connection that is refused must not become a request.
  const accept = server.listeners('connection') as ((this: Server, socket: Socket) => void)[]
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const peer = networkOf(socket.remoteAddress ?? '')
    if (!isRoomFor(peer)) {
      refuse(socket)
      return
    }
    const connection: Connection = { peer, requests: 0, readWhenIdle: 0 }
    connections.set(socket, connection)
    perPeer.set(peer, (perPeer.get(peer) ?? 0) + 1)
    idle.set(socket, connection)
    socket.once('close', () => forget(socket))
    for (const listener of accept) listener.call(server, socket)
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    const connection = connections.get(socket)
    if (connection === undefined) return
    idle.delete(socket)
    connection.requests += 1
    response.on('close', answered)
  })
  return () => connections.size
}
