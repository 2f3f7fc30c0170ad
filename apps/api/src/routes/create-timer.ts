import { type Created, createTimer, isoInstant, originOf, timeLeftSeconds } from '@timers/core'
import type { App } from '../app.ts'
import { createdTimerBody } from '../schemas/timer-answers.ts'
import { createTimerBody } from '../schemas/timer-bodies.ts'
import { idempotencyHeader, markReplayed } from './idempotency-header.ts'
import { toTimerRequest } from './timer-request.ts'
import { originOfRequest, type TimerRouteDeps } from './timer-routes.ts'

const UNCERTAIN = 'The timer may or may not have been created'

/** `POST /timers`: when 201 is told the timer is on disk. Sent again with its Idempotency-Key, it has the same answer. */
export function registerCreateTimer(app: App, deps: TimerRouteDeps): void {
  const { logger, counters } = deps
  app.post(
    '/timers',
    {
      config: {
        ifUnavailable: ({ headers }) =>
          headers['idempotency-key'] === undefined
            ? `${UNCERTAIN}: a new request creates another one. With an Idempotency-Key it would be safe to send it again`
            : `${UNCERTAIN}. Send the request again with the same Idempotency-Key: that creates no second one`,
      },
      schema: { body: createTimerBody, response: { 201: createdTimerBody } },
    },
    async (request, reply) => {
      const startedAt = performance.now()
      const timer = await createTimer(
        toTimerRequest(request.body),
        originOfRequest(request),
        deps,
        idempotencyHeader(request),
      )
      if (timer.replayed) counters.replayed.inc()
      else {
        counters.createSeconds.observe((performance.now() - startedAt) / 1_000)
        counters.created.inc()
      }
      if (logger.isLevelEnabled('info')) {
        const fields = { timerId: timer.id, reqId: request.id, origin: originOf(timer.url) }
        logger.info(fields, timer.replayed ? 'create replayed' : 'timer created')
      }
      markReplayed(reply, timer.replayed)
      reply.code(201).header('location', `/timers/${timer.id}`)
      return createdView(timer)
    },
  )
}

/** As of the moment at which it was created: the same whenever it is told. */
export function createdView({ id, createdAt, dueAt }: Created) {
  return {
    id,
    time_left: timeLeftSeconds(dueAt, createdAt),
    status: 'pending',
    due_at: isoInstant(dueAt),
  }
}
