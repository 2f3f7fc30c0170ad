import type { FastifyReply, FastifyRequest } from 'fastify'
import { PROBLEM_MEDIA_TYPE, type Problem, problemBody } from './problem.ts'
import type { Refusals } from './refusals.ts'

/** Longest path that is logged. */
const MAX_PATH_LENGTH = 200

/** Answers a request with a problem, and records it. */
export type ReplyWithProblem = (
  request: FastifyRequest,
  reply: FastifyReply,
  problem: Problem,
  cause?: unknown,
) => FastifyReply

export function createProblemReply(refusals: Refusals): ReplyWithProblem {
  return (request, reply, problem, cause) => {
    const path = pathOf(request.url).slice(0, MAX_PATH_LENGTH)
    refusals.record(problem, { reqId: request.id, method: request.method, path }, cause)
    return sendProblem(request, reply, problem)
  }
}

/** Answers with a problem, and records nothing. `members` are added to the body. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: Problem,
  members: object = {},
): FastifyReply {
  return (
    reply
      .code(problem.status)
      .headers(problem.headers ?? {})
      .header('x-request-id', request.id)
      .type(PROBLEM_MEDIA_TYPE)
      // A serializer of the reply's own: Fastify would add a charset, which this media type does not have.
      .serializer(JSON.stringify)
      .send({ ...problemBody(problem, request.id), ...members })
  )
}

/** The path of a request's URL, without its query. */
export function pathOf(url: string): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}
