import type { Created, NewTimerRequest } from '@timers/core'
import type { App } from '../app.ts'
import { createLargeBodyBound } from '../plugins/large-bodies.ts'
import { problemBody } from '../problems/problem.ts'
import type { Refusals } from '../problems/refusals.ts'
import { BATCH_LIMIT_BYTES, batchAnswer, batchBody, MOST_IN_BATCH } from '../schemas/batch.ts'
import { failedItem, judgeItems, RefusedItem, refuseIdempotencyHeader } from './batch-items.ts'
import { createdView } from './create-timer.ts'
import type { TimerRouteDeps } from './timer-routes.ts'

const PATH = '/timers/batch'

/**
 * `POST /timers/batch`: many timers at once. Each stands alone: what is wrong with one is told in its place, and so is
 * what is not known to be done in time.
 */
export function registerBatch(app: App, deps: TimerRouteDeps, refusals: Refusals): void {
  const { store, logger, counters } = deps
  app.post(
    PATH,
    {
      bodyLimit: BATCH_LIMIT_BYTES,
      onRequest: createLargeBodyBound(),
      config: { itemList: { name: 'timers', most: MOST_IN_BATCH } },
      schema: { body: batchBody, response: { 207: batchAnswer } },
    },
    async (request, reply) => {
      refuseIdempotencyHeader(request)
      const judged = judgeItems(request, request.body.timers, deps)
      const asked = judged.filter((item): item is NewTimerRequest => !(item instanceof RefusedItem))
      const answers = (await store.createAll(asked)).values()
      const outcomes = judged.map((item) => {
        if (item instanceof RefusedItem) return item
        const answer = answers.next().value as Created | Error
        return answer instanceof Error ? failedItem(item, answer) : answer
      })

      const refused = outcomes.filter((outcome) => outcome instanceof RefusedItem)
      const replayed = outcomes.filter((outcome) => 'replayed' in outcome && outcome.replayed).length
      const created = outcomes.length - refused.length - replayed
      counters.created.inc(created)
      counters.replayed.inc(replayed)
      const { id: reqId, method } = request
      for (const { first, items } of firstOfEachKind(refused)) {
        refusals.record(first.problem, { reqId, method, path: PATH, items }, first.cause)
      }
      logger.info({ reqId, created, replayed, refused: refused.length }, 'batch of timers created')

      if (refused.some(({ problem }) => problem.status === 503)) reply.header('retry-after', '1')
      reply.code(207)
      return { results: outcomes.map((outcome) => resultView(outcome, reqId)) }
    },
  )
}

/** One of each code, and how many there are: a stranger must not decide how much is written for one request. */
function firstOfEachKind(refused: readonly RefusedItem[]): Iterable<{ first: RefusedItem; items: number }> {
  const kinds = new Map<string, { readonly first: RefusedItem; items: number }>()
  for (const item of refused) {
    const kind = kinds.get(item.problem.code)
    if (kind === undefined) kinds.set(item.problem.code, { first: item, items: 1 })
    else kind.items += 1
  }
  return kinds.values()
}

function resultView(outcome: Created | RefusedItem, reqId: string) {
  if (outcome instanceof RefusedItem) {
    const { problem } = outcome
    return { status: problem.status, problem: problemBody(problem, reqId) }
  }
  return { status: 201, timer: createdView(outcome), ...(outcome.replayed && { replayed: true }) }
}
