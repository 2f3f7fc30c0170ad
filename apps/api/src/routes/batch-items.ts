import { type NewTimerRequest, newTimerOf } from '@timers/core'
import type { FastifyRequest } from 'fastify'
import { UnreadableItem } from '../item-list.ts'
import { errorProblem } from '../problems/error-problem.ts'
import { type Problem, problem } from '../problems/problem.ts'
import { ProblemError } from '../problems/problem-error.ts'
import { validationProblem } from '../problems/validation-problem.ts'
import { type BatchItem, batchItem } from '../schemas/batch.ts'
import { toTimerRequest } from './timer-request.ts'
import { originOfRequest, type TimerRouteDeps } from './timer-routes.ts'

/** Why no timer comes of an item. */
export class RefusedItem {
  readonly problem: Problem
  readonly cause: unknown

  constructor(problem: Problem, cause?: unknown) {
    this.problem = problem
    this.cause = cause
  }
}

export type JudgedItem = NewTimerRequest | RefusedItem

/** The items of a batch, each checked by itself as a request of its own would be. */
export function judgeItems(
  request: FastifyRequest,
  items: readonly unknown[],
  deps: TimerRouteDeps,
): JudgedItem[] {
  const fits = request.compileValidationSchema(batchItem)
  const origin = originOfRequest(request)
  return items.map((item) => {
    if (item instanceof UnreadableItem) return new RefusedItem(errorProblem(item.error, {}))
    if (!fits(item)) return new RefusedItem(validationProblem(fits.errors ?? [], batchItem))
    const body = item as BatchItem
    try {
      return newTimerOf(toTimerRequest(body), origin, deps, body.idempotency_key, 'idempotency_key')
    } catch (error) {
      return new RefusedItem(errorProblem(error, {}), error)
    }
  })
}

const UNCERTAIN = 'The timer may or may not have been created'

/** Why an item that was asked of the store did not become a timer, or is not known to have become one. */
export function failedItem({ idempotency }: NewTimerRequest, error: Error): RefusedItem {
  const ifUnavailable =
    idempotency === undefined
      ? `${UNCERTAIN}: sent again, it creates another one. With an idempotency_key it would be safe to send it again`
      : `${UNCERTAIN}. Send it again with the same idempotency_key: that creates no second one`
  return new RefusedItem(errorProblem(error, { ifUnavailable }), error)
}

/** One header for many timers says nothing of any. @throws ProblemError `INVALID_IDEMPOTENCY_KEY` */
export function refuseIdempotencyHeader({ headers }: FastifyRequest): void {
  if (headers['idempotency-key'] === undefined) return
  const message = 'a batch takes no Idempotency-Key: give each of its timers an idempotency_key'
  throw new ProblemError(problem('INVALID_IDEMPOTENCY_KEY', message, [{ field: 'Idempotency-Key', message }]))
}
