import type { Static } from '@sinclair/typebox'
import {
  type AddressPolicy,
  type Clock,
  type CreateTimerRequest,
  createTimer,
  isoInstant,
  originOf,
  type RequestOrigin,
  type TimerStore,
  timeLeftSeconds,
  timerView,
} from '@timers/core'
import type { Logger, Metrics } from '@timers/runtime'
import type { FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import { problem } from '../problems/problem.ts'
import type { ReplyWithProblem } from '../problems/problem-reply.ts'
import { createdTimerBody, createTimerBody, timerBody } from '../schemas/timers.ts'

export interface TimerRouteDeps {
  readonly store: TimerStore
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly addressPolicy: AddressPolicy
  /** Longest duration that is accepted, in seconds. */
  readonly maxTimerSeconds: number
  readonly replyWithProblem: ReplyWithProblem
}

/** Upper bounds in seconds: a create is an fsync or two, and ends with a 503 within two seconds. */
const CREATE_BUCKETS = [0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/** `POST /timers`, `GET /timers/:id` and `POST /timers/:id/redrive`. Errors are left to the app's error handler. */
export function registerTimerRoutes(app: App, deps: TimerRouteDeps): void {
  const { store, clock, logger, metrics, replyWithProblem } = deps
  const created = metrics.counter('timers_created_total', 'Timers that were created')
  const createSeconds = metrics.histogram(
    'timers_create_duration_seconds',
    'Time from a valid request to the timer being on disk',
    { buckets: CREATE_BUCKETS },
  )
  const redriven = metrics.counter('timers_redrives_total', 'Timers that were sent again on request')

  app.post(
    '/timers',
    { schema: { body: createTimerBody, response: { 201: createdTimerBody } } },
    async (request, reply) => {
      const startedAt = performance.now()
      const timer = await createTimer(toRequest(request.body), originOfRequest(request), deps)
      createSeconds.observe((performance.now() - startedAt) / 1_000)
      created.inc()
      if (logger.isLevelEnabled('info')) {
        logger.info({ timerId: timer.id, reqId: request.id, origin: originOf(timer.url) }, 'timer created')
      }
      reply.code(201).header('location', `/timers/${timer.id}`)
      return {
        id: timer.id,
        time_left: timeLeftSeconds(timer.dueAt, clock.now()),
        status: 'pending',
        due_at: isoInstant(timer.dueAt),
      }
    },
  )

  app.get<{ Params: { id: string } }>(
    '/timers/:id',
    { schema: { response: { 200: timerBody } } },
    async (request, reply) => {
      const id = readTimerId(request.params.id)
      if (id === 'malformed') return replyWithProblem(request, reply, MALFORMED_ID)
      const record = id === 'never given' ? undefined : await store.find(id)
      if (record === undefined) return replyWithProblem(request, reply, NO_SUCH_TIMER)
      reply.header('cache-control', 'no-store')
      return timerView(record, clock.now())
    },
  )

  app.post<{ Params: { id: string } }>(
    '/timers/:id/redrive',
    { config: { bodyIsOptional: true }, schema: { response: { 202: timerBody } } },
    async (request, reply) => {
      const id = readTimerId(request.params.id)
      if (id === 'malformed') return replyWithProblem(request, reply, MALFORMED_ID)
      const record = id === 'never given' ? undefined : await store.redrive(id)
      if (record === undefined) return replyWithProblem(request, reply, NO_SUCH_TIMER)
      redriven.inc()
      logger.info({ timerId: id, reqId: request.id }, 'timer redriven')
      reply.code(202)
      return timerView(record, clock.now())
    },
  )
}

const MALFORMED_ID = problem('INVALID_TIMER_ID', 'the id must be a whole number, as in /timers/1')
const NO_SUCH_TIMER = problem(
  'TIMER_NOT_FOUND',
  'no timer has this id; finished timers are kept for a limited time only',
)

/** The body in the words of the domain. Field by field: a rest of a body costs more than all of these. */
function toRequest(body: Static<typeof createTimerBody>): CreateTimerRequest {
  const { hours, minutes, seconds, url, delivery: mode, max_attempts: maxAttempts, payload, headers } = body
  return { hours, minutes, seconds, url, mode, maxAttempts, payload, headers }
}

function originOfRequest(request: FastifyRequest): RequestOrigin {
  const { traceparent } = request.headers
  return { requestId: request.id, traceparent: typeof traceparent === 'string' ? traceparent : undefined }
}

/** 0, 01 and numbers beyond 2^53 are digits that no timer was ever given. */
function readTimerId(text: string): number | 'never given' | 'malformed' {
  if (!/^\d+$/.test(text)) return 'malformed'
  const id = Number(text)
  return id > 0 && Number.isSafeInteger(id) && String(id) === text ? id : 'never given'
}
