import type { TObject } from '@sinclair/typebox'
import { TimerError } from '@timers/core'
import type { FastifyError } from 'fastify'
import { BODY_LIMIT_BYTES } from '../server-options.ts'
import { type Problem, problem } from './problem.ts'
import { ProblemError } from './problem-error.ts'
import { validationProblem } from './validation-problem.ts'

/** What Fastify throws before a handler runs, by its code. */
const FRAMEWORK_PROBLEMS: Readonly<Record<string, Problem>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: problem(
    'UNSUPPORTED_MEDIA_TYPE',
    'send the body as JSON in UTF-8, with the header content-type: application/json',
  ),
  FST_ERR_CTP_EMPTY_JSON_BODY: problem('INVALID_JSON', 'the body is empty: send a JSON object'),
  FST_ERR_CTP_INVALID_JSON_BODY: problem('INVALID_JSON', 'the body must be one JSON object in UTF-8'),
  FST_ERR_CTP_BODY_TOO_LARGE: problem(
    'BODY_TOO_LARGE',
    `the body must be at most ${BODY_LIMIT_BYTES} bytes long`,
  ),
  FST_ERR_BAD_URL: problem('INVALID_PATH', 'the path must be percent-encoded correctly, such as /timers/1'),
  FST_ERR_MAX_PARAM_LENGTH: problem('URI_TOO_LONG', 'the path must be short, such as /timers/1'),
}

const UNREADABLE = problem('BAD_REQUEST', 'the request was cut short or does not match its headers')
const INTERNAL = problem(
  'INTERNAL_ERROR',
  'an unexpected error: the log of the service has it under the id in "instance"',
)

/**
 * The problem an error stands for, for a request with this method.
 *
 * Errors that nobody planned for become INTERNAL_ERROR, and nothing of them reaches the client.
 */
export function errorProblem(error: unknown, method: string, bodySchema: TObject): Problem {
  if (error instanceof TimerError) return timerProblem(error, method)
  if (error instanceof ProblemError) return error.problem
  const { code, statusCode = 500, validation } = (error ?? {}) as Partial<FastifyError>
  if (validation !== undefined) return validationProblem(validation, bodySchema)
  const known = code === undefined ? undefined : FRAMEWORK_PROBLEMS[code]
  if (known !== undefined) return known
  return statusCode >= 400 && statusCode < 500 ? UNREADABLE : INTERNAL
}

function timerProblem(error: TimerError, method: string): Problem {
  const { code, field, message, details } = error
  if (code === 'STORE_UNAVAILABLE' && method === 'POST') {
    return problem(
      code,
      `${message}. The timer may or may not have been created: a new request creates another one`,
    )
  }
  return problem(code, message, field === undefined ? undefined : [{ field, message }], details)
}
