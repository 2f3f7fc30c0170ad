import { timerView } from '@timers/core'
import type { App } from '../app.ts'
import { timerBody } from '../schemas/timer-answers.ts'
import { idempotencyKeyOf, markReplayed } from './idempotency-header.ts'
import { existing, timerRefOf } from './timer-ref.ts'
import type { TimerRouteDeps } from './timer-routes.ts'

/** `POST /timers/:id/redrive`: a timer that is `failed` or `unknown` is sent again. */
export function registerRedriveTimer(app: App, { store, clock, logger, counters }: TimerRouteDeps): void {
  app.post<{ Params: { id: string } }>(
    '/timers/:id/redrive',
    {
      config: {
        bodyIsOptional: true,
        ifUnavailable: ({ headers }) =>
          headers['idempotency-key'] === undefined
            ? 'The timer may or may not be sent again. Read it before you ask once more, or ask with an Idempotency-Key: then that is safe'
            : 'The timer may or may not be sent again. Send the request again with the same Idempotency-Key: that is safe',
      },
      schema: { response: { 202: timerBody } },
    },
    async (request, reply) => {
      const { id: reqId, params } = request
      const idempotencyKey = idempotencyKeyOf(request)
      const timer = existing(await store.redrive(timerRefOf(params), { idempotencyKey }), params)
      markReplayed(reply, timer.replayed)
      if (timer.replayed !== true) {
        counters.redriven.inc()
        logger.info({ timerId: timer.id, reqId }, 'timer redriven')
      }
      reply.code(202)
      return timerView(timer, clock.now())
    },
  )
}
