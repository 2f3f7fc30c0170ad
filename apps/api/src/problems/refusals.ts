import type { Logger, Metrics } from '@timers/runtime'
import { PROBLEM_CODES, type Problem, type ProblemCode } from './problem.ts'

/** How many problems of one code are logged a second; of the rest there is one line, with their number. */
const LOGGED_PER_SECOND = 10

/**
 * Counts every problem, and logs it: what the client did wrong at info, what we did wrong at error.
 *
 * A stranger decides how many refusals there are, and must not decide how much is written for them: of each code ten
 * lines a second, then one that sums up. Defects (INTERNAL_ERROR) are all logged, whole: the answer promised so.
 */
export interface Refusals {
  /** `fields` tell which request it was: never a body, a query or a target URL. */
  record(problem: Problem, fields: object, cause?: unknown): void
  /** Logs what was not summed up yet. */
  close(): void
}

export function createRefusals(logger: Logger, metrics: Metrics): Refusals {
  const total = metrics.counter('timers_api_problems_total', 'Requests that ended in a problem, by code', [
    'code',
  ])
  for (const code of PROBLEM_CODES) total.inc({ code }, 0)
  const seen = new Map<ProblemCode, number>()
  let second: NodeJS.Timeout | undefined

  function sumUp(): void {
    clearTimeout(second)
    second = undefined
    for (const [code, count] of seen) {
      const left = count - LOGGED_PER_SECOND
      if (left > 0) logger.info({ code, count: left }, 'more of the same within a second, not logged')
    }
    seen.clear()
  }

  return {
    record(problem, fields, cause) {
      const { code, status, detail } = problem
      total.inc({ code })
      if (code === 'INTERNAL_ERROR') {
        logger.error({ ...fields, status, code, detail, err: cause }, 'request failed')
        return
      }
      const count = (seen.get(code) ?? 0) + 1
      seen.set(code, count)
      second ??= setTimeout(sumUp, 1_000).unref()
      if (count > LOGGED_PER_SECOND) return
      if (status < 500) logger.info({ ...fields, status, code, detail }, 'request refused')
      else logger.error({ ...fields, status, code, detail, cause: inShort(cause) }, 'request failed')
    },
    close: sumUp,
  }
}

interface ErrorInShort {
  readonly type: string
  readonly code?: unknown
  readonly message: string
  readonly cause?: ErrorInShort
}

/** An error that was to be expected, such as Redis being away: where it was thrown helps nobody. */
function inShort(error: unknown): ErrorInShort | undefined {
  if (!(error instanceof Error)) return undefined
  const { name: type, message, cause } = error
  const { code } = error as NodeJS.ErrnoException
  const why = inShort(cause)
  return { type, ...(code !== undefined && { code }), message, ...(why !== undefined && { cause: why }) }
}
