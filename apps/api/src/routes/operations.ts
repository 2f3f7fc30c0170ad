import type { RedisHealth } from '@timers/queue'
import type { Metrics } from '@timers/runtime'
import type { App } from '../app.ts'
import type { Closing } from '../plugins/graceful-close.ts'
import { problem } from '../problems/problem.ts'
import { sendProblem } from '../problems/problem-reply.ts'

export interface OperationsRouteDeps {
  readonly health: () => RedisHealth
  readonly closing: Closing
  readonly metrics: Metrics
}

/** What operators and orchestrators ask: `/ping`, `/healthz`, `/readyz` and `/metrics`. */
export function registerOperationsRoutes(app: App, { health, closing, metrics }: OperationsRouteDeps): void {
  metrics.gauge('timers_redis_clock_skew_seconds', "Redis' clock minus this process's clock", () => {
    const { clockSkewMs } = health()
    return clockSkewMs === undefined ? undefined : clockSkewMs / 1_000
  })

  app.get('/ping', async () => ({ pong: true }))

  // Alive, whatever Redis does: a restart would not bring Redis back.
  app.get('/healthz', async () => ({ status: 'ok' }))

  app.get('/readyz', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    const { ready, problems: redisProblems } = health()
    const problems = closing.begun ? ['the service is stopping', ...redisProblems] : redisProblems
    if (ready && !closing.begun) return { status: 'ready', problems }
    // Not logged: it is asked every few seconds, and whoever found the problem logged it.
    return sendProblem(request, reply, problem('NOT_READY', problems.join('; ')), { problems })
  })

  app.get('/metrics', async (_request, reply) => {
    reply.type(metrics.registry.contentType)
    return metrics.registry.metrics()
  })
}
