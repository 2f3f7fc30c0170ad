import { TimerError } from '@timers/core'
import type { App } from '../app.ts'

/** `/timers/by-key/` with nothing after it: without this it is taken for `/timers/:id`, and a wrong id. */
export function registerMissingKey(app: App): void {
  app.route({
    method: ['GET', 'PUT', 'PATCH', 'DELETE'],
    url: '/timers/by-key',
    onRequest: (_request, _reply, done) => {
      done(
        new TimerError('INVALID_KEY', 'key is missing in the path: /timers/by-key/<key>', { field: 'key' }),
      )
    },
    handler: () => undefined,
  })
}
