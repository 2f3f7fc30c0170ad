import type { Static } from '@sinclair/typebox'
import { timerView } from '@timers/core'
import type { App } from '../app.ts'
import { timerBody } from '../schemas/timer-answers.ts'
import { resolveTimerBody } from '../schemas/timer-bodies.ts'
import { existing, timerRefOf } from './timer-ref.ts'
import type { TimerRouteDeps } from './timer-routes.ts'

/** `POST /timers/:id/resolve`: somebody found out what became of an `unknown` timer. */
export function registerResolveTimer(app: App, { store, clock, logger, counters }: TimerRouteDeps): void {
  app.post<{ Params: { id: string }; Body: Static<typeof resolveTimerBody> }>(
    '/timers/:id/resolve',
    {
      config: {
        ifUnavailable: () =>
          'The timer may or may not have been settled. Send the request again: that is safe, and 409 NOT_UNKNOWN then says that it was',
      },
      schema: { body: resolveTimerBody, response: { 200: timerBody } },
    },
    async ({ id: reqId, params, body: { as, note } }) => {
      const timer = existing(await store.resolve(timerRefOf(params), as, note), params)
      counters.resolved.inc()
      // Without the note: it is the client's own text, and stands in the timer.
      logger.info({ timerId: timer.id, reqId, as }, 'timer resolved')
      return timerView(timer, clock.now())
    },
  )
}
