import {
  type AddressPolicy,
  type Census,
  type Clock,
  createAddressPolicy,
  type TimerStore,
} from '@timers/core'
import type { RedisHealth } from '@timers/queue'
import { type Logger, type Metrics, SettingsError } from '@timers/runtime'
import { fastify } from 'fastify'
import type { App } from './app.ts'
import { closeGracefully } from './plugins/graceful-close.ts'
import { acceptJsonOnly } from './plugins/json-body.ts'
import { createRequestIds } from './plugins/request-id.ts'
import { answerUnmatchedRequests } from './plugins/unmatched-requests.ts'
import { createUnreadableRequestHandler, refuseExpectations } from './plugins/unreadable-requests.ts'
import { errorProblem } from './problems/error-problem.ts'
import { createProblemReply } from './problems/problem-reply.ts'
import { registerOperationsRoutes } from './routes/operations.ts'
import { registerTimerRoutes } from './routes/timers.ts'
import { createTimerBody } from './schemas/timers.ts'
import { serverOptions } from './server-options.ts'
import type { ApiSettings } from './settings.ts'

export interface ApiDeps {
  readonly store: TimerStore & { health(): RedisHealth; census(): Census | undefined }
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
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
  const problems = metrics.counter('timers_api_problems_total', 'Requests that ended in a problem, by code', [
    'code',
  ])
  const replyWithProblem = createProblemReply(logger, (labels) => problems.inc(labels))

  const app: App = fastify({
    ...serverOptions,
    genReqId: createRequestIds(),
    clientErrorHandler: createUnreadableRequestHandler(logger),
    frameworkErrors: (error, request, reply) => {
      replyWithProblem(request, reply, errorProblem(error, request.method, createTimerBody), error)
    },
  })
  app.setErrorHandler((error, request, reply) => {
    const found = errorProblem(error, request.method, createTimerBody)
    // Fastify asks to close the connection after a bad body. Closing resets it under a client that is still
    // sending, which then never sees the answer; Node drops the rest of the body by itself, under requestTimeout.
    reply.removeHeader('connection')
    return replyWithProblem(request, reply, found, error)
  })
  acceptJsonOnly(app)
  refuseExpectations(app)
  answerUnmatchedRequests(app, replyWithProblem)
  app.addHook('onSend', (request, reply, _payload, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
  const closing = closeGracefully(app, settings.SHUTDOWN_TIMEOUT_MS * DRAIN_SHARE)

  registerTimerRoutes(app, {
    ...deps,
    addressPolicy: addressPolicyOf(settings),
    maxTimerSeconds: settings.MAX_TIMER_SECONDS,
    replyWithProblem,
  })
  registerOperationsRoutes(app, {
    health: () => store.health(),
    census: () => store.census(),
    closing,
    metrics,
  })
  return app
}

/** @throws SettingsError where the setting holds something that is no network */
function addressPolicyOf({ DELIVERY_ALLOW_CIDRS: allowCidrs }: ApiSettings): AddressPolicy {
  try {
    return createAddressPolicy({ allowCidrs })
  } catch (error) {
    throw new SettingsError([`DELIVERY_ALLOW_CIDRS: ${(error as Error).message}`])
  }
}
