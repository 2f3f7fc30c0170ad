import { createServer } from 'node:net'

/**
 * A TCP port on 127.0.0.1 that nobody listened on a moment ago.
 *
 * The kernel picks it. Another process may take it before the caller does: whoever binds it must be ready to ask again.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = server.address()
      if (address === null || typeof address === 'string') {
        server.close()
        reject(new Error('The system gave no TCP port'))
        return
      }
      server.close(() => resolve(address.port))
    })
  })
}
