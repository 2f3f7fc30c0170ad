import type { Socket } from 'node:net'
import type { App } from '../app.ts'

/** Whether the service has begun to close: true from the first moment of `app.close()`. */
export interface Closing {
  readonly begun: boolean
}

/**
 * Lets requests in flight finish when the app closes, and nothing else hold it up.
 *
 * - Answers sent from then on say `connection: close`: Node closes idle connections only once, at the beginning, and
 *   would wait for the keep-alive timeout of those that become idle later.
 * - Connections on which nothing was ever sent (browsers and load balancers open them in advance) do not count as
 *   idle for Node: they are closed here.
 * - What is still open after `drainTimeoutMs` is cut: a client that never ends its request.
 */
export function closeGracefully(app: App, drainTimeoutMs: number): Closing {
  const closing = { begun: false }
  const sockets = new Set<Socket>()
  app.server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (closing.begun) reply.header('connection', 'close')
    done()
  })
  app.addHook('preClose', (done) => {
    closing.begun = true
    for (const socket of sockets) {
      if (socket.bytesRead === 0) socket.destroy()
    }
    const deadline = setTimeout(() => app.server.closeAllConnections(), drainTimeoutMs)
    app.server.once('close', () => clearTimeout(deadline))
    deadline.unref()
    done()
  })
  return closing
}
