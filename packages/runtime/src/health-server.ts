import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Metrics } from './metrics.ts'

/** Whether a process may be relied on, and why not. */
export interface Readiness {
  readonly ready: boolean
  readonly problems: readonly string[]
  /** What may well be meant so, and what it costs. */
  readonly advice: readonly string[]
}

export interface HealthServer {
  /** The port it listens on. */
  readonly port: number
  close(): Promise<void>
}

export interface HealthServerOptions {
  readonly host: string
  readonly port: number
  readonly readiness: () => Readiness
  readonly metrics: Metrics
}

/**
 * `/healthz` (the process is alive), `/readyz` (200 or 503, with the reasons) and `/metrics` (Prometheus) for a
 * process that otherwise listens to no one. For operators: do not publish its port.
 */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const { metrics, readiness } = options
  const server: Server = createServer(async (request, response) => {
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    switch (request.url) {
      case '/healthz':
        return json(200, { status: 'ok' })
      case '/readyz': {
        const state = readiness()
        return json(state.ready ? 200 : 503, {
          status: state.ready ? 'ready' : 'not ready',
          problems: state.problems,
          advice: state.advice,
        })
      }
      case '/metrics':
        response.setHeader('content-type', metrics.registry.contentType)
        return response.end(await metrics.registry.metrics())
      default:
        return json(404, { status: 'not found' })
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
