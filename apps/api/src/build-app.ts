import {
  type AddressPolicy,
  type Census,
  type Clock,
  createAddressPolicy,
  type RedisNodeState,
  type TimerStore,
} from '@timers/core'
import type { RedisHealth } from '@timers/queue'
import { type Logger, type Metrics, SettingsError } from '@timers/runtime'
import { fastify } from 'fastify'
import type { App } from './app.ts'
import { boundConnections, type ConnectionBounds } from './plugins/bounded-connections.ts'
import { refuseForeignRequests } from './plugins/foreign-requests.ts'
import { closeGracefully } from './plugins/graceful-close.ts'
import { acceptJsonOnly } from './plugins/json-body.ts'
import { measureRequests } from './plugins/request-durations.ts'
import { createRequestIds } from './plugins/request-id.ts'
import { answerUnmatchedRequests } from './plugins/unmatched-requests.ts'
import { createUnreadableRequestHandler, refuseExpectations } from './plugins/unreadable-requests.ts'
import { errorContext, errorProblem } from './problems/error-problem.ts'
import { problem } from './problems/problem.ts'
import { createProblemReply } from './problems/problem-reply.ts'
import { createRefusals, type Refusals } from './problems/refusals.ts'
import { endWithProblem } from './problems/socket-problem.ts'
import { registerBatch } from './routes/batch.ts'
import { registerBulk } from './routes/bulk.ts'
import { registerCancelTimer } from './routes/cancel-timer.ts'
import { registerChangeTimer } from './routes/change-timer.ts'
import { registerCreateTimer } from './routes/create-timer.ts'
import { registerFireTimer } from './routes/fire-timer.ts'
import { registerListTimers } from './routes/list.ts'
import { registerOperationsRoutes } from './routes/operations.ts'
import { registerPutTimer } from './routes/put-timer.ts'
import { registerReadTimer } from './routes/read-timer.ts'
import { registerRedriveTimer } from './routes/redrive-timer.ts'
import { registerResolveTimer } from './routes/resolve-timer.ts'
import { registerStats } from './routes/stats.ts'
import { createTimerCounters } from './routes/timer-counters.ts'
import type { TimerRouteDeps } from './routes/timer-routes.ts'
import { serverOptions } from './server-options.ts'
import type { ApiSettings } from './settings.ts'

export interface ApiDeps {
  readonly store: TimerStore & {
    health(): RedisHealth
    census(): Promise<Census | undefined>
    nodes(): readonly RedisNodeState[]
  }
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly connectionBounds: ConnectionBounds
}

/** Part of the shutdown deadline after which connections that are still open are cut. */
const DRAIN_SHARE = 0.8

/**
 * Builds the API: validate, use case, reply. Reads no environment, opens nothing and does not listen.
 *
 * Fastify gets no logger: with one it makes a child logger and two listeners for every request. What is worth a line
 * is logged here, with the id of the request in it.
 */
export function buildApp(settings: ApiSettings, deps: ApiDeps): App {
  const { store, logger, metrics } = deps
  const refusals = createRefusals(logger, metrics)
  const replyWithProblem = createProblemReply(refusals)

  const app: App = fastify({
    ...serverOptions,
    genReqId: createRequestIds(),
    clientErrorHandler: createUnreadableRequestHandler(refusals),
    frameworkErrors: (error, request, reply) => {
      replyWithProblem(request, reply, errorProblem(error, {}), error)
    },
  })
  app.setErrorHandler((error, request, reply) => {
    const found = errorProblem(error, errorContext(request))
    // Fastify asks to close the connection after a bad body. Closing resets it under a client that is still
    // sending, which then never sees the answer; Node drops the rest of the body by itself, under requestTimeout.
    reply.removeHeader('connection')
    return replyWithProblem(request, reply, found, error)
  })
  app.addHook('onClose', async () => refusals.close())
  boundAppConnections(app, deps, refusals)
  answerHalfClosed(app)
  measureRequests(app, metrics)
  refuseForeignRequests(app, settings, replyWithProblem)
  refuseExpectations(app, refusals)
  answerUnmatchedRequests(app, replyWithProblem)
  acceptJsonOnly(app)
  app.addHook('onSend', (request, reply, _payload, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
  const closing = closeGracefully(app, settings.SHUTDOWN_TIMEOUT_MS * DRAIN_SHARE)

  const timerDeps = {
    ...deps,
    counters: createTimerCounters(metrics),
    addressPolicy: addressPolicyOf(settings),
    maxTimerSeconds: settings.MAX_TIMER_SECONDS,
  }
  registerTimerRoutes(app, timerDeps)
  registerBatch(app, timerDeps, refusals)
  registerOperationsRoutes(app, {
    health: () => store.health(),
    census: () => store.census(),
    nodes: () => store.nodes(),
    closing,
    metrics,
  })
  return app
}

/** One function a file in `routes/`: a new route is a line here. */
function registerTimerRoutes(app: App, deps: TimerRouteDeps): void {
  registerCreateTimer(app, deps)
  registerReadTimer(app, deps)
  registerListTimers(app, deps)
  registerStats(app, deps)
  registerPutTimer(app, deps)
  registerChangeTimer(app, deps)
  registerCancelTimer(app, deps)
  registerFireTimer(app, deps)
  registerRedriveTimer(app, deps)
  registerResolveTimer(app, deps)
  registerBulk(app, deps)
}

/**
 * A client may close its half of the connection after its request (`nc`, some HTTP libraries): it still gets its answer,
 * and then the rest is closed. Node closes at once by default, with the timer created and the answer lost. The property
 * is Node's own, from its first versions on, and in no document of it.
 */
function answerHalfClosed(app: App): void {
  Object.assign(app.server, { httpAllowHalfOpen: true })
}

const TOO_MANY_CONNECTIONS = problem(
  'TOO_MANY_CONNECTIONS',
  'all connections are in use: keep fewer of them open, or try again in a moment',
)

function boundAppConnections(
  app: App,
  { metrics, connectionBounds }: Pick<ApiDeps, 'metrics' | 'connectionBounds'>,
  refusals: Refusals,
): void {
  const evicted = metrics.counter(
    'timers_api_connections_evicted_total',
    'Idle connections that were closed to make room for new ones',
  )
  const open = boundConnections(app.server, connectionBounds, {
    refuse: (socket) => {
      refusals.record(TOO_MANY_CONNECTIONS, {})
      endWithProblem(socket, TOO_MANY_CONNECTIONS)
    },
    evicted: () => evicted.inc(),
  })
  metrics.gauge('timers_api_connections', 'Connections that are open', open)
}

/** @throws SettingsError where the setting holds something that is no network */
function addressPolicyOf({ DELIVERY_ALLOW_CIDRS: allowCidrs }: ApiSettings): AddressPolicy {
  try {
    return createAddressPolicy({ allowCidrs })
  } catch (error) {
    throw new SettingsError([`DELIVERY_ALLOW_CIDRS: ${(error as Error).message}`])
  }
}
