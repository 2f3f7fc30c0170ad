import { STATUS_CODES } from 'node:http'
import type { Logger } from '@timers/runtime'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** A problem as RFC 9457 has it. `error` repeats the detail: Bull Board's page shows that member to people. */
interface ProblemBody {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly error: string
}

export function sendProblem(reply: FastifyReply, status: number, detail: string): FastifyReply {
  const body: ProblemBody = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    error: detail,
  }
  return reply.code(status).type('application/problem+json').serializer(JSON.stringify).send(body)
}

/**
 * Answers every error with a problem. What a handler throws is Redis' doing, since nothing else is behind the board: 503,
 * and the board's page asks again by itself.
 */
export function answerErrors(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error: FastifyError, request: FastifyRequest, reply) => {
    const { statusCode = 500 } = error
    if (statusCode === 401) {
      return sendProblem(reply, 401, 'log in with DASHBOARD_USER and DASHBOARD_PASSWORD')
    }
    if (statusCode >= 400 && statusCode < 500) return sendProblem(reply, statusCode, error.message)
    // Not the error whole: one of ioredis holds the command, which may be AUTH with the password.
    const { name: type, code, message } = error
    logger.warn(
      { path: request.url.split('?')[0], err: { type, code, message } },
      'the timers could not be read',
    )
    reply.header('retry-after', '1')
    return sendProblem(reply, 503, 'Redis cannot be reached at the moment')
  })
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, 404, 'there is nothing at this path'))
}
