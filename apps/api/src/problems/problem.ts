import type { TimerErrorCode } from '@timers/core'

/**
 * Every way a request can fail, by a stable code: what `core` throws, and what is only of HTTP.
 *
 * Clients branch on the code; the words may change.
 */
export type ProblemCode =
  | TimerErrorCode
  | 'INVALID_BODY'
  | 'INVALID_JSON'
  | 'INVALID_TIMER_ID'
  | 'TIMER_NOT_FOUND'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'UNSUPPORTED_CONTENT_ENCODING'
  | 'BODY_TOO_LARGE'
  | 'INVALID_PATH'
  | 'URI_TOO_LONG'
  | 'HEADERS_TOO_LARGE'
  | 'REQUEST_TIMEOUT'
  | 'BAD_REQUEST'
  | 'EXPECTATION_FAILED'
  | 'INVALID_HOST'
  | 'CROSS_SITE_REQUEST'
  | 'TOO_MANY_CONNECTIONS'
  | 'OVERLOADED'
  | 'NOT_READY'
  | 'INTERNAL_ERROR'

interface ProblemKind {
  readonly status: number
  readonly title: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The HTTP side of every code. Complete: a code without an entry does not compile. */
const KINDS: Readonly<Record<ProblemCode, ProblemKind>> = {
  INVALID_DURATION: { status: 400, title: 'The duration is not valid' },
  INVALID_URL: { status: 400, title: 'The target URL is not valid' },
  INVALID_PAYLOAD: { status: 400, title: 'The payload is not valid' },
  INVALID_HEADERS: { status: 400, title: 'The headers are not valid' },
  INVALID_TIME: { status: 400, title: 'The time is not valid' },
  INVALID_KEY: { status: 400, title: 'The key is not valid' },
  INVALID_LABELS: { status: 400, title: 'The labels are not valid' },
  INVALID_EXPIRY: { status: 400, title: 'The expiry is not valid' },
  INVALID_CALLBACK: { status: 400, title: 'The callback is not valid' },
  INVALID_IDEMPOTENCY_KEY: { status: 400, title: 'The idempotency key is not valid' },
  INVALID_CURSOR: { status: 400, title: 'The cursor is not valid' },
  INVALID_FILTER: { status: 400, title: 'The filter is not valid' },
  EMPTY_CHANGE: { status: 400, title: 'The change is empty' },
  KEY_TAKEN: { status: 409, title: 'Another timer has this key' },
  ALREADY_FIRING: { status: 409, title: 'The timer is firing' },
  ALREADY_FINISHED: { status: 409, title: 'The timer has finished' },
  NOT_UNKNOWN: { status: 409, title: 'The timer is not unknown' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, title: 'The idempotency key came with another request' },
  NOT_REDRIVABLE: { status: 409, title: 'The timer cannot be sent again now' },
  STORE_UNAVAILABLE: {
    status: 503,
    title: 'The timer store cannot be reached',
    headers: { 'retry-after': '1' },
  },
  STORE_REFUSED: {
    status: 503,
    title: 'The timer store takes no timers at the moment',
    headers: { 'retry-after': '5' },
  },
  WRONG_REDIS: { status: 503, title: 'The service is set up wrongly', headers: { 'retry-after': '5' } },
  DATA_TOO_NEW: { status: 503, title: 'The service is set up wrongly', headers: { 'retry-after': '5' } },
  INVALID_BODY: { status: 400, title: 'The request body is not valid' },
  INVALID_JSON: { status: 400, title: 'The request body is not JSON' },
  INVALID_TIMER_ID: { status: 400, title: 'The timer id is not valid' },
  TIMER_NOT_FOUND: { status: 404, title: 'There is no such timer' },
  NOT_FOUND: { status: 404, title: 'There is no such resource' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The resource does not know this method' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: 'The content type is not supported',
    headers: { accept: 'application/json' },
  },
  UNSUPPORTED_CONTENT_ENCODING: {
    status: 415,
    title: 'The content encoding is not supported',
    headers: { 'accept-encoding': 'identity' },
  },
  BODY_TOO_LARGE: { status: 413, title: 'The request body is too large' },
  INVALID_PATH: { status: 400, title: 'The path is not valid' },
  URI_TOO_LONG: { status: 414, title: 'The path is too long' },
  HEADERS_TOO_LARGE: { status: 431, title: 'The request line and headers are too large' },
  REQUEST_TIMEOUT: { status: 408, title: 'The request came too slowly' },
  BAD_REQUEST: { status: 400, title: 'The request could not be read' },
  EXPECTATION_FAILED: { status: 417, title: 'The expectation cannot be met' },
  INVALID_HOST: { status: 421, title: 'The request is for another host' },
  CROSS_SITE_REQUEST: { status: 403, title: 'The request comes from a page of another site' },
  TOO_MANY_CONNECTIONS: {
    status: 503,
    title: 'There are too many connections',
    headers: { 'retry-after': '1' },
  },
  OVERLOADED: { status: 503, title: 'The service has too much to do', headers: { 'retry-after': '1' } },
  NOT_READY: { status: 503, title: 'The service is not ready', headers: { 'retry-after': '1' } },
  INTERNAL_ERROR: { status: 500, title: 'The service failed' },
}

export const PROBLEM_CODES = Object.keys(KINDS) as readonly ProblemCode[]

/** One field that is at fault and what would be right. Never quotes a value. */
export interface FieldError {
  readonly field: string
  readonly message: string
}

/** One occurrence of a problem, before it becomes an answer. */
export interface Problem extends ProblemKind {
  readonly code: ProblemCode
  /** What happened here, and what to do about it; safe to show to a client. */
  readonly detail: string
  readonly errors?: readonly FieldError[]
  /** More members of the body, for a program to go on with. */
  readonly members?: ProblemMembers
}

export type ProblemMembers = Readonly<Record<string, string | number>>

export function problem(
  code: ProblemCode,
  detail: string,
  errors?: readonly FieldError[],
  members?: ProblemMembers,
): Problem {
  const found: Problem = { code, ...KINDS[code], detail }
  return {
    ...found,
    ...(errors === undefined ? {} : { errors }),
    ...(members === undefined ? {} : { members }),
  }
}

export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

/** The body of a problem answer, as RFC 9457 has it, with members of our own: `code`, `errors`, and those of the problem. */
export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  /** Names this occurrence: the id of the request, as in the log and in `x-request-id`. */
  readonly instance?: string
  readonly code: ProblemCode
  readonly errors?: readonly FieldError[]
}

/**
 * Members of our own by names that are free: `status` is the status code in every problem (RFC 9457, 3.1.2), so that of
 * the timer stands as `timer_status`.
 */
function freeNames(members: ProblemMembers): ProblemMembers {
  const { status, ...others } = members
  return status === undefined ? others : { ...others, timer_status: status }
}

export function problemBody(found: Problem, requestId: string | undefined): ProblemBody {
  return {
    type: `urn:timers:problem:${found.code.toLowerCase().replaceAll('_', '-')}`,
    title: found.title,
    status: found.status,
    detail: found.detail,
    ...(requestId === undefined ? {} : { instance: `urn:timers:request:${requestId}` }),
    code: found.code,
    ...(found.errors === undefined ? {} : { errors: found.errors }),
    ...(found.members === undefined ? {} : freeNames(found.members)),
  }
}
