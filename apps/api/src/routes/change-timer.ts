import type { Static } from '@sinclair/typebox'
import { changeOf, timerView } from '@timers/core'
import type { App } from '../app.ts'
import { timerBody } from '../schemas/timer-answers.ts'
import { changeTimerBody } from '../schemas/timer-bodies.ts'
import { existing, TIMER_PATHS, type TimerParams, timerRefOf } from './timer-ref.ts'
import { toChangeRequest } from './timer-request.ts'
import type { TimerRouteDeps } from './timer-routes.ts'

/** `PATCH /timers/:id` and `PATCH /timers/by-key/:key`: a request that leaves after the answer carries what is new. */
export function registerChangeTimer(app: App, deps: TimerRouteDeps): void {
  const { store, clock, logger, counters } = deps
  for (const path of TIMER_PATHS) {
    app.patch<{ Params: TimerParams; Body: Static<typeof changeTimerBody> }>(
      path,
      {
        config: {
          ifUnavailable: () =>
            'The timer may or may not have been changed. Send the request again: that is safe',
        },
        schema: { body: changeTimerBody, response: { 200: timerBody } },
      },
      async ({ id: reqId, params, body }) => {
        const ref = timerRefOf(params)
        const change = changeOf(toChangeRequest(body), deps)
        const timer = existing(await store.change(ref, change), params)
        counters.changed.inc()
        logger.info({ timerId: timer.id, reqId, changed: Object.keys(body) }, 'timer changed')
        return timerView(timer, clock.now())
      },
    )
  }
}
