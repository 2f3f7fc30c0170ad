import { timerView } from '@timers/core'
import type { App } from '../app.ts'
import { timerBody } from '../schemas/timer-answers.ts'
import { existing, TIMER_PATHS, type TimerParams, timerRefOf } from './timer-ref.ts'
import type { TimerRouteDeps } from './timer-routes.ts'

/** `GET /timers/:id` and `GET /timers/by-key/:key`. */
export function registerReadTimer(app: App, { store, clock }: TimerRouteDeps): void {
  for (const path of TIMER_PATHS) {
    app.get<{ Params: TimerParams }>(
      path,
      { schema: { response: { 200: timerBody } } },
      async ({ params }, reply) => {
        const timer = existing(await store.find(timerRefOf(params)), params)
        reply.header('cache-control', 'no-store')
        return timerView(timer, clock.now())
      },
    )
  }
}
