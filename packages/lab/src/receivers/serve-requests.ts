import { STATUS_CODES } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** What is done with requests. Both are called once for each, in this order. */
export interface RequestHandler<Request> {
  /** The head of a request is there, all but the empty line at its end. */
  head(head: string): Request
  /** Its body is there, as latin1. */
  complete(request: Request, body: string, socket: Socket): void
}

export interface ListeningServer {
  readonly port: number
  /** Stops listening and destroys every open connection. */
  close(): Promise<void>
}

export interface ServerAddress {
  /** Default 127.0.0.1. */
  readonly host?: string | undefined
  /** Default: a free one. */
  readonly port?: number | undefined
}

/**
 * Listens for requests, on sockets and with a parser of a few lines rather than node:http: receivers take as little as can
 * be of the machine that they share with what is measured. It understands what webhooks are: a head, and a body of
 * `content-length` bytes.
 */
export async function serveRequests<Request>(
  handler: RequestHandler<Request>,
  { host = '127.0.0.1', port = 0 }: ServerAddress = {},
): Promise<ListeningServer> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    serveSocket(socket, handler)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 4_096 }, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

function serveSocket<Request>(socket: Socket, handler: RequestHandler<Request>): void {
  let pending = ''
  let request: Request | undefined
  let length = 0
  socket.setNoDelay(true)
  socket.setEncoding('latin1')
  socket.on('error', () => socket.destroy())
  socket.on('data', (text: string) => {
    pending = pending === '' ? text : pending + text
    for (;;) {
      if (request === undefined) {
        const end = pending.indexOf('\r\n\r\n')
        if (end === -1) return
        const head = pending.slice(0, end)
        pending = pending.slice(end + 4)
        length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
        request = handler.head(head)
      }
      if (pending.length < length) return
      const body = pending.slice(0, length)
      const complete = request
      pending = pending.slice(length)
      request = undefined
      handler.complete(complete, body, socket)
    }
  })
}

/** `/hooks/xxx/17?x=1` of `POST /hooks/xxx/17?x=1 HTTP/1.1`. */
export function targetOf(head: string): string {
  return head.slice(0, head.indexOf('\r\n')).split(' ')[1] ?? ''
}

/** An answer as it goes over the wire. */
export function answerBytes(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Buffer,
): Buffer {
  const all = { 'content-length': String(Buffer.byteLength(body)), ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)])
}
