import { timerView } from '@timers/core'
import type { App } from '../app.ts'
import { timerBody } from '../schemas/timer-answers.ts'
import { idempotencyKeyOf, markReplayed } from './idempotency-header.ts'
import { existing, timerRefOf } from './timer-ref.ts'
import type { TimerRouteDeps } from './timer-routes.ts'

/** `POST /timers/:id/fire`: a pending timer is due now. */
export function registerFireTimer(app: App, { store, clock, logger, counters }: TimerRouteDeps): void {
  app.post<{ Params: { id: string } }>(
    '/timers/:id/fire',
    {
      config: {
        bodyIsOptional: true,
        ifUnavailable: () =>
          'The timer may or may not be due now. Send the request again: that is safe, it fires once',
      },
      schema: { response: { 202: timerBody } },
    },
    async (request, reply) => {
      const { id: reqId, params } = request
      const timer = existing(await store.fire(timerRefOf(params), idempotencyKeyOf(request)), params)
      markReplayed(reply, timer.replayed)
      if (timer.replayed !== true) {
        counters.firedNow.inc()
        logger.info({ timerId: timer.id, reqId }, 'timer fired on request')
      }
      reply.code(202)
      return timerView(timer, clock.now())
    },
  )
}
