import type { ShardQueues } from '@timers/queue'
import type { Logger } from '@timers/runtime'
import { type FastifyInstance, fastify } from 'fastify'
import { createBoard } from './board.ts'
import { refuseForeignRequests } from './foreign-requests.ts'
import { serveNodesPage } from './nodes-page.ts'
import { securePages } from './page-security.ts'
import { answerErrors, sendProblem } from './problems.ts'
import { requireLogin } from './require-login.ts'
import type { DashboardSettings } from './settings.ts'

export interface DashboardDeps {
  readonly shardQueues: Pick<ShardQueues, 'queues' | 'answers' | 'onChange' | 'health' | 'nodes'>
  readonly logger: Logger
}

/**
 * Builds the dashboard: Bull Board over all shards, and a page of the Redis that hold them, read-only, behind a login. Reads no environment, opens nothing and
 * does not listen.
 */
export function buildDashboard(settings: DashboardSettings, deps: DashboardDeps): FastifyInstance {
  const { shardQueues, logger } = deps
  const app: FastifyInstance = fastify({
    bodyLimit: 1_024,
    trustProxy: [...settings.TRUSTED_PROXIES],
    requestTimeout: 15_000,
    connectionTimeout: 30_000,
    keepAliveTimeout: 5_000,
    // Above the time after which Redis counts as away, so that hanging is the exception.
    handlerTimeout: 5_000,
    // The page asks again every few seconds, on connections it keeps: nothing is lost by cutting them.
    forceCloseConnections: true,
    http: { headersTimeout: 10_000 },
  })
  securePages(app)
  answerErrors(app, logger)
  refuseForeignRequests(app, settings)
  requireLogin(app, settings, logger)
  refuseChanges(app)

  app.get('/healthz', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const { ready, problems, advice } = shardQueues.health()
    return ready ? { status: 'ready', problems, advice } : sendProblem(reply, 503, problems.join('; '))
  })
  serveNodesPage(app, shardQueues)
  app.register(createBoard(shardQueues))
  return app
}

/** Bull Board refuses changes to read-only queues by itself; what never reaches it cannot find a gap. */
function refuseChanges(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.method === 'GET' || request.method === 'HEAD') return done()
    reply.header('allow', 'GET, HEAD')
    sendProblem(reply, 405, 'the dashboard is read-only')
  })
}
