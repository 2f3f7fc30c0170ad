import { listTimers, timerView } from '@timers/core'
import type { App } from '../app.ts'
import { listAnswer } from '../schemas/lists.ts'
import type { TimerRouteDeps } from './timer-routes.ts'

/** `GET /timers`. */
export function registerListTimers(app: App, { store, clock }: TimerRouteDeps): void {
  app.get<{ Querystring: Record<string, unknown> }>(
    '/timers',
    { schema: { response: { 200: listAnswer } } },
    async ({ query }, reply) => {
      const { timers, cursor } = await listTimers(query, store)
      const now = clock.now()
      reply.header('cache-control', 'no-store')
      return {
        timers: timers.map((timer) => timerView(timer, now)),
        ...(cursor !== undefined && { next_cursor: cursor }),
      }
    },
  )
}
