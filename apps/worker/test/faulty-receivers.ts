import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { Worker } from 'node:worker_threads'
import { generate } from 'selfsigned'

/** A receiver that speaks bytes, not HTTP: it can do what no HTTP server would. */
export interface RawReceiver {
  readonly port: number
  /** Requests whose first line has arrived, in clear text or behind TLS. */
  readonly requests: number
  /** Connections that are open. */
  readonly open: number
  /** Connections that were ever made. */
  readonly connections: number
  close(): Promise<void>
}

export interface RawBehaviour {
  readonly tls?: TlsOptions
  /** Called for each connection, before anything is read. */
  readonly onConnection?: (socket: Socket, number: number) => void
  /** Called for each connection as it is made; behind TLS, before the handshake. */
  readonly onTcpConnection?: () => void
  /** Called for each request, when its head has arrived. */
  readonly onRequest?: (socket: Socket, number: number) => void
  /** Reads nothing of what comes. */
  readonly deaf?: boolean
}

/** Starts a raw receiver on 127.0.0.1. */
export async function startRawReceiver(behaviour: RawBehaviour): Promise<RawReceiver> {
  const sockets = new Set<Socket>()
  let requests = 0
  let connections = 0
  const onConnection = (socket: Socket): void => {
    connections += 1
    // A receiver that misbehaves is answered in kind; what its own sockets say of that is of no interest.
    socket.on('error', () => {})
    behaviour.onConnection?.(socket, connections)
    if (behaviour.deaf) return
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
        text = text.slice(end + 4)
        requests += 1
        behaviour.onRequest?.(socket, requests)
      }
    })
  }
  const server: Server =
    behaviour.tls === undefined ? createTcpServer(onConnection) : createTlsServer(behaviour.tls, onConnection)
  // What the handshake of a client that turns away comes to.
  server.on('tlsClientError', () => {})
  server.on('connection', (socket: Socket) => {
    behaviour.onTcpConnection?.()
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    get requests() {
      return requests
    },
    get open() {
      return sockets.size
    },
    get connections() {
      return connections
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** An answer that ends where it says it does. */
export function httpAnswer(status: number, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const length = status === 204 ? '' : 'content-length: 0\r\n'
  return `HTTP/1.1 ${status} Any\r\n${length}${lines.join('')}\r\n`
}

/** Writes `chunk` again and again, as fast as it is taken, until the other side is gone. */
export function writeForever(socket: Socket, chunk: string | Buffer): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(chunk));
  }
  socket.on('drain', more)
  more()
}

export interface FullBacklog {
  readonly port: number
  close(): Promise<void>
}

/** A port whose queue of connections is full: nobody takes them, and the next one waits for ever. */
export async function startFullBacklog(): Promise<FullBacklog> {
  const thread = new Worker(
    `const { parentPort } = require('node:worker_threads')
     const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port)
       setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
     })`,
    { eval: true },
  )
  const port = await new Promise<number>((resolve) => thread.once('message', resolve))
  const fillers: Socket[] = []
  await new Promise<void>((resolve) => {
    let connected = 0
    for (let index = 0; index < 8; index += 1) {
      const filler = connect(port, '127.0.0.1', () => {
        connected += 1
        // Linux queues one more than the backlog says.
        if (connected === 2) resolve()
      })
      filler.on('error', () => {})
      fillers.push(filler)
    }
  })
  return {
    port,
    async close() {
      for (const filler of fillers) filler.destroy()
      await thread.terminate()
    },
  }
}

export interface Certificate {
  readonly key: string
  readonly cert: string
}

/** A self-signed certificate for 127.0.0.1 or for one host name; to trust it, give it as the `ca`. */
export async function makeCertificate(host: string): Promise<Certificate> {
  const altName =
    host === '127.0.0.1' ? ({ type: 7, ip: host } as const) : ({ type: 2, value: host } as const)
  const { private: key, cert } = await generate([{ name: 'commonName', value: host }], {
    keyType: 'ec',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [altName] },
    ],
  })
  return { key, cert }
}
