import type { Static } from '@sinclair/typebox'
import { type BulkRequest, type BulkStep, cancelMany, redriveMany, TimerError } from '@timers/core'
import type { App } from '../app.ts'
import { bulkAnswer, cancelManyBody, redriveManyBody, type StepBody } from '../schemas/bulk.ts'
import { idempotencyHeader } from './idempotency-header.ts'
import type { TimerRouteDeps } from './timer-routes.ts'

const SAFE_AGAIN =
  'Some of it may have been done. Send the request again as it was: what is done stays done once'

/**
 * `POST /timers/cancel` and `POST /timers/redrive`: one step over many timers, and where the next one goes on. What a step
 * did is always told, also where it could not be finished in time.
 */
export function registerBulk(app: App, deps: TimerRouteDeps): void {
  const { store, clock, logger, counters } = deps
  const bulk = { store, clock, log: logger }

  app.post(
    '/timers/cancel',
    {
      config: { ifUnavailable: () => SAFE_AGAIN },
      schema: { body: cancelManyBody, response: { 200: bulkAnswer } },
    },
    async ({ id: reqId, body, query }) => {
      refuseQuery(query)
      const step = await cancelMany(toStep(body), bulk)
      counters.cancelled.inc(step.done)
      logger.info({ reqId, ...toldOf(step, body) }, 'many timers cancelled')
      return stepView(step)
    },
  )

  app.post(
    '/timers/redrive',
    {
      config: {
        ifUnavailable: ({ headers }) =>
          headers['idempotency-key'] === undefined
            ? 'Some of it may have been done. Sent again, what has failed again meanwhile would be sent once more: with an Idempotency-Key it would not'
            : SAFE_AGAIN,
      },
      schema: { body: redriveManyBody, response: { 200: bulkAnswer } },
    },
    async (request) => {
      const { id: reqId, body } = request
      refuseQuery(request.query)
      const idempotencyKey = idempotencyHeader(request)
      const step = await redriveMany({ ...toStep(body), perSecond: body.per_second, idempotencyKey }, bulk)
      counters.redriven.inc(step.done)
      logger.info({ reqId, ...toldOf(step, body) }, 'many timers redriven')
      return stepView(step)
    },
  )
}

/** Who writes `?dry_run=true` must not find everything cancelled. @throws TimerError `INVALID_FILTER` */
function refuseQuery(query: unknown): void {
  const [stranger] = Object.keys(query as object)
  if (stranger === undefined) return
  const message = 'a bulk action takes no parameters in its path: give filter, limit and dry_run in the body'
  throw new TimerError('INVALID_FILTER', message, { field: stranger.slice(0, 64) })
}

function toStep({ filter, limit, cursor, dry_run: dryRun }: StepBody): BulkRequest {
  return { filter, limit, cursor: cursor ?? undefined, dryRun }
}

function stepView({ matched, done, skipped, cursor }: BulkStep): Static<typeof bulkAnswer> {
  return { matched, done, skipped: [...skipped], ...(cursor !== undefined && { next_cursor: cursor }) }
}

/** For the log: how many, never which filter. */
function toldOf({ matched, done, skipped }: BulkStep, { dry_run: dryRun = false }: StepBody) {
  return { matched, done, skipped: skipped.length, dryRun }
}
