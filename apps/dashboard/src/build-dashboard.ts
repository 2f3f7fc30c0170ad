import basicAuth from '@fastify/basic-auth'
import type { ShardQueues } from '@timers/queue'
import type { Logger } from '@timers/runtime'
import { type FastifyInstance, fastify, type onRequestHookHandler } from 'fastify'
import { createBoard } from './board.ts'
import { createLoginCheck } from './login.ts'
import { securePages } from './page-security.ts'
import { answerErrors, sendProblem } from './problems.ts'
import type { DashboardSettings } from './settings.ts'

export interface DashboardDeps {
  readonly shardQueues: Pick<ShardQueues, 'queues' | 'health'>
  readonly logger: Logger
}

/** Paths without a login: orchestrators ask them, and they tell nothing about timers. */
const OPEN_PATHS: ReadonlySet<string | undefined> = new Set(['/healthz', '/readyz'])

/**
 * Builds the dashboard: Bull Board over all shards, read-only, behind a login. Reads no environment, opens nothing and
 * does not listen.
 */
export function buildDashboard(settings: DashboardSettings, deps: DashboardDeps): FastifyInstance {
  const { shardQueues, logger } = deps
  const app: FastifyInstance = fastify({
    bodyLimit: 1_024,
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
  requireLogin(app, settings)
  refuseChanges(app)

  app.get('/healthz', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const { ready, problems } = shardQueues.health()
    return ready ? { status: 'ready', problems } : sendProblem(reply, 503, problems.join('; '))
  })
  app.register(createBoard(shardQueues.queues))
  return app
}

function requireLogin(app: FastifyInstance, settings: DashboardSettings): void {
  const isRight = createLoginCheck(settings.DASHBOARD_USER, settings.DASHBOARD_PASSWORD)
  app.register(basicAuth, {
    authenticate: { realm: 'Timers' },
    validate: async (user, password) => {
      if (!isRight(user, password)) return new Error('wrong name or password')
    },
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (OPEN_PATHS.has(request.routeOptions.url)) return done()
    const login = app.basicAuth as onRequestHookHandler
    login.call(app, request, reply, done)
  })
}

/** Bull Board refuses changes to read-only queues by itself; what never reaches it cannot find a gap. */
function refuseChanges(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.method === 'GET' || request.method === 'HEAD') return done()
    reply.header('allow', 'GET, HEAD')
    sendProblem(reply, 405, 'the dashboard is read-only')
  })
}
