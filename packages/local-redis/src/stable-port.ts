import { createServer } from 'node:net'

/** Below the ranges from which systems take the ports of outgoing connections (Linux 32768, others 49152). */
const LOWEST = 20_000
const HIGHEST = 32_000
const ATTEMPTS = 200

/**
 * A free port that stays free while its server is away for a while.
 *
 * Not one of the system's choice: those are also given to outgoing connections. One of them may then sit on the port when
 * the server wants it back, or connect to itself while nobody listens: which a client does in the end that tries again and
 * again.
 */
export async function stablePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))
    if (await isFree(port)) return port
  }
  throw new Error(`There is no free port from ${LOWEST} to ${HIGHEST}.`)
}

/** So many of them, all different. */
export async function stablePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await stablePort())
  return [...ports]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)))
  })
}
