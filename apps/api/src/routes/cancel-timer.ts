import { timerView } from '@timers/core'
import type { App } from '../app.ts'
import { timerBody } from '../schemas/timer-answers.ts'
import { existing, TIMER_PATHS, type TimerParams, timerRefOf } from './timer-ref.ts'
import type { TimerRouteDeps } from './timer-routes.ts'

/** `DELETE /timers/:id` and `DELETE /timers/by-key/:key`: no request leaves after the answer. */
export function registerCancelTimer(app: App, { store, clock, logger, counters }: TimerRouteDeps): void {
  for (const path of TIMER_PATHS) {
    app.delete<{ Params: TimerParams }>(
      path,
      {
        config: {
          bodyIsOptional: true,
          ifUnavailable: () =>
            'The timer may or may not have been cancelled. Send the request again: that is safe',
        },
        schema: { response: { 200: timerBody } },
      },
      async ({ id: reqId, params }) => {
        const timer = existing(await store.cancel(timerRefOf(params)), params)
        counters.cancelled.inc()
        logger.info({ timerId: timer.id, reqId }, 'timer cancelled')
        return timerView(timer, clock.now())
      },
    )
  }
}
