import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

/** A proxy that leads every CONNECT to one port of this machine, and counts what else it is asked. */
export interface TestProxy {
  readonly port: number
  readonly connects: { readonly authority: string; readonly authorization: string | undefined }[]
  readonly others: number
  readonly open: number
  /** What to say to the next CONNECTs: a status, or nothing at all. */
  answer: number | 'hang' | 'reset'
  leadTo: number
  close(): Promise<void>
}

export async function startProxy(): Promise<TestProxy> {
  const sockets = new Set<Socket>()
  let others = 0
  const server: Server = createServer((_request, response) => {
    others += 1
    response.end()
  })
  const proxy: TestProxy = {
    port: 0,
    connects: [],
    get others() {
      return others
    },
    get open() {
      return sockets.size
    },
    answer: 200,
    leadTo: 0,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('connect', (request, socket: Socket) => {
    proxy.connects.push({
      authority: request.url ?? '',
      authorization: request.headers['proxy-authorization'],
    })
    if (proxy.answer === 'hang') return void socket.resume().once('end', () => socket.end())
    if (proxy.answer === 'reset') return void socket.resetAndDestroy()
    if (proxy.answer !== 200)
      return void socket.end(`HTTP/1.1 ${proxy.answer} No\r\ncontent-length: 3\r\n\r\nno.`)
    const upstream = connect(proxy.leadTo, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    })
    sockets.add(upstream)
    upstream.on('error', () => socket.destroy())
    upstream.once('close', () => sockets.delete(upstream))
    socket.once('close', () => upstream.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(proxy, { port: (server.address() as AddressInfo).port })
}
