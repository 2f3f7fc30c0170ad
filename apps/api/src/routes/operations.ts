import type { Census, RedisNodeState } from '@timers/core'
import type { RedisHealth } from '@timers/queue'
import { createTimerMetrics, type Metrics } from '@timers/runtime'
import type { App } from '../app.ts'
import type { Closing } from '../plugins/graceful-close.ts'
import { problem } from '../problems/problem.ts'
import { sendProblem } from '../problems/problem-reply.ts'

export interface OperationsRouteDeps {
  readonly health: () => RedisHealth
  readonly census: () => Promise<Census | undefined>
  readonly nodes: () => readonly RedisNodeState[]
  readonly closing: Closing
  readonly metrics: Metrics
}

/** What operators and orchestrators ask: `/ping`, `/healthz`, `/readyz` and `/metrics`. */
export function registerOperationsRoutes(
  app: App,
  { health, census, nodes, closing, metrics }: OperationsRouteDeps,
): void {
  const isReady = () => health().ready && !closing.begun
  createTimerMetrics(metrics, {
    census,
    clockSkewMs: () => health().clockSkewMs,
    nodes,
    ready: isReady,
  })

  app.get('/ping', async () => ({ pong: true }))

  // Alive, whatever Redis does: a restart would not bring Redis back.
  app.get('/healthz', async () => ({ status: 'ok' }))

  app.get('/readyz', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    const { problems: redisProblems, advice } = health()
    const problems = closing.begun ? ['the service is stopping', ...redisProblems] : redisProblems
    if (isReady()) return { status: 'ready', problems, advice }
    // Not logged: it is asked every few seconds, and whoever found the problem logged it.
    return sendProblem(request, reply, problem('NOT_READY', problems.join('; ')), { problems, advice })
  })

  app.get('/metrics', async (_request, reply) => {
    reply.type(metrics.registry.contentType)
    return metrics.registry.metrics()
  })
}
