import type { HTTPMethods } from 'fastify'
import type { App } from '../app.ts'
import { problem } from '../problems/problem.ts'
import { pathOf, type ReplyWithProblem } from '../problems/problem-reply.ts'
import { PATCH_MEDIA_TYPES } from '../server-options.ts'

const METHODS: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/**
 * Answers what no route matches: 404, or 405 with `Allow` where the path is known, or the methods to OPTIONS.
 *
 * In `onRequest`, so that a body is neither read nor judged for a path that does not exist.
 */
export function answerUnmatchedRequests(app: App, replyWithProblem: ReplyWithProblem): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) return done()
    const path = pathOf(request.url)
    const allowed = METHODS.filter((method) => app.findRoute({ method, url: path }) !== null)
    if (allowed.length === 0) {
      replyWithProblem(
        request,
        reply,
        problem(
          'NOT_FOUND',
          'there is nothing at this path; timers are at /timers, /timers/:id and /timers/by-key/:key',
        ),
      )
      return
    }
    reply.header('allow', [...allowed, 'OPTIONS'].join(', '))
    if (allowed.includes('PATCH')) reply.header('accept-patch', PATCH_MEDIA_TYPES)
    if (request.method === 'OPTIONS') {
      reply.code(204).send()
      return
    }
    replyWithProblem(
      request,
      reply,
      problem('METHOD_NOT_ALLOWED', `this path knows ${allowed.join(', ')}, not ${request.method}`),
    )
  })
}
