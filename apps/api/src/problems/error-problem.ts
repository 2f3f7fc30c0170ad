import { type TSchema, Type } from '@sinclair/typebox'
import { TimerError } from '@timers/core'
import type { FastifyError, FastifyRequest } from 'fastify'
import { BODY_LIMIT_BYTES, PATCH_MEDIA_TYPES } from '../server-options.ts'
import { type Problem, problem } from './problem.ts'
import { ProblemError } from './problem-error.ts'
import { validationProblem } from './validation-problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What is true of this operation where nobody knows whether it was done, and whether it may be sent again. */
    readonly ifUnavailable?: (request: FastifyRequest) => string
  }
}

/** What of the request an error came from bears on the words of the answer. */
export interface ErrorContext {
  readonly method?: string | undefined
  readonly bodySchema?: TSchema | undefined
  readonly bodyLimit?: number | undefined
  readonly ifUnavailable?: string | undefined
}

export function errorContext(request: FastifyRequest): ErrorContext {
  const { schema, bodyLimit, config } = request.routeOptions
  return {
    method: request.method,
    bodySchema: schema?.body as TSchema | undefined,
    bodyLimit,
    ifUnavailable: config?.ifUnavailable?.(request),
  }
}

const NO_JSON = problem(
  'UNSUPPORTED_MEDIA_TYPE',
  'send the body as JSON in UTF-8, with the header content-type: application/json',
)
const NO_JSON_PATCH: Problem = {
  ...NO_JSON,
  headers: { accept: PATCH_MEDIA_TYPES, 'accept-patch': PATCH_MEDIA_TYPES },
}

/** What Fastify throws before a handler runs, by its code. */
const FRAMEWORK_PROBLEMS: Readonly<Record<string, Problem>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: NO_JSON,
  FST_ERR_CTP_EMPTY_JSON_BODY: problem('INVALID_JSON', 'the body is empty: send a JSON object'),
  FST_ERR_CTP_INVALID_JSON_BODY: problem('INVALID_JSON', 'the body must be one JSON object in UTF-8'),
  FST_ERR_BAD_URL: problem('INVALID_PATH', 'the path must be percent-encoded correctly, such as /timers/1'),
  FST_ERR_MAX_PARAM_LENGTH: problem('URI_TOO_LONG', 'the path must be short, such as /timers/1'),
}

const UNREADABLE = problem('BAD_REQUEST', 'the request was cut short or does not match its headers')
const INTERNAL = problem(
  'INTERNAL_ERROR',
  'an unexpected error: the log of the service has it under the id in "instance"',
)

/**
 * The problem an error stands for.
 *
 * Errors that nobody planned for become INTERNAL_ERROR, and nothing of them reaches the client.
 */
export function errorProblem(error: unknown, context: ErrorContext): Problem {
  if (error instanceof TimerError) return timerProblem(error, context)
  if (error instanceof ProblemError) return error.problem
  const { code, statusCode = 500, validation } = (error ?? {}) as Partial<FastifyError>
  if (validation !== undefined) return validationProblem(validation, context.bodySchema ?? Type.Unknown())
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const { bodyLimit = BODY_LIMIT_BYTES } = context
    return problem('BODY_TOO_LARGE', `the body must be at most ${bodyLimit} bytes long`)
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' && context.method === 'PATCH') return NO_JSON_PATCH
  const known = code === undefined ? undefined : FRAMEWORK_PROBLEMS[code]
  if (known !== undefined) return known
  return statusCode >= 400 && statusCode < 500 ? UNREADABLE : INTERNAL
}

function timerProblem(
  { code, field, message, details }: TimerError,
  { ifUnavailable }: ErrorContext,
): Problem {
  if (code === 'STORE_UNAVAILABLE' && ifUnavailable !== undefined) {
    return problem(code, `${message}. ${ifUnavailable}`)
  }
  return problem(code, message, field === undefined ? undefined : [{ field, message }], details)
}
