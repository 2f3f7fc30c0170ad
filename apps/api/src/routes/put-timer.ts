import type { Static } from '@sinclair/typebox'
import { draftOf, originOf, parseKey, TimerError, timerView } from '@timers/core'
import type { App } from '../app.ts'
import { putTimerAnswer } from '../schemas/timer-answers.ts'
import { putTimerBody } from '../schemas/timer-bodies.ts'
import { toTimerRequest } from './timer-request.ts'
import { originOfRequest, type TimerRouteDeps } from './timer-routes.ts'

type Body = Static<typeof putTimerBody>

/** `PUT /timers/by-key/:key`: whatever was there before, a pending timer has the key after it, and one only. */
export function registerPutTimer(app: App, deps: TimerRouteDeps): void {
  const { store, clock, logger, counters } = deps
  app.put<{ Params: { key: string }; Body: Body }>(
    '/timers/by-key/:key',
    {
      config: {
        ifUnavailable: () =>
          'The timer may or may not have been created or changed. Send the request again: it leaves one pending timer with this key',
      },
      schema: { body: putTimerBody, response: { 200: putTimerAnswer, 201: putTimerAnswer } },
    },
    async (request, reply) => {
      const { params, body } = request
      const key = keyOf(params.key, body)
      const mode = body.on_conflict ?? 'replace'
      const draft = draftOf({ ...toTimerRequest(body), key }, originOfRequest(request), deps)
      const { timer, created, previous } = await store.upsert(key, draft, mode)
      const fields = { timerId: timer.id, reqId: request.id, origin: originOf(timer.url) }
      if (created) {
        counters.created.inc()
        logger.info(fields, 'timer created')
        reply.code(201).header('location', `/timers/${timer.id}`)
      } else if (mode !== 'keep') {
        counters.changed.inc()
        logger.info({ ...fields, mode }, 'timer changed')
      }
      return { ...timerView(timer, clock.now()), ...(previous !== undefined && { previous }) }
    },
  )
}

/** @throws TimerError `INVALID_KEY` */
function keyOf(inPath: string, { key: inBody }: Body): string {
  const key = parseKey(inPath)
  if (inBody === undefined || inBody === key) return key
  throw new TimerError('INVALID_KEY', 'key must be that of the path, or be left out of the body', {
    field: 'key',
  })
}
