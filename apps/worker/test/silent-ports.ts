import { type AddressInfo, createServer, type Socket } from 'node:net'

/** Accepts on so many ports of every address of 127.0.0.0/8, each a host of its own, and never answers. */
export async function startSilent(count: number): Promise<{ ports: number[]; close(): void }> {
  const sockets = new Set<Socket>()
  const servers = Array.from({ length: count }, () =>
    createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    }),
  )
  await Promise.all(
    servers.map(
      (server) =>
        new Promise<void>((resolve) => server.listen({ port: 0, host: '0.0.0.0', backlog: 4_096 }, resolve)),
    ),
  )
  return {
    ports: servers.map((server) => (server.address() as AddressInfo).port),
    close: () => {
      for (const server of servers) server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
