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
    if (!request.is404 && !isWordForId(request.params)) return done()
    const path = pathOf(request.url)
    const allowed = methodsAt(app, path)
    if (!request.is404 && allowed.includes(request.method as HTTPMethods)) return done()
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

/** `GET /timers/batch` is matched by `/timers/:id`, although that path is another's, which knows POST only. */
function isWordForId(params: unknown): boolean {
  const { id } = params as { readonly id?: string }
  return id !== undefined && !/^\d/.test(id)
}

/** What a path knows; where it has a name of its own, only what it knows by that. */
function methodsAt(app: App, path: string): readonly HTTPMethods[] {
  const found = METHODS.map((method) => ({ method, route: app.findRoute({ method, url: path }) })).filter(
    ({ route }) => route !== null,
  )
  const named = found.filter(({ route }) => route?.params.id === undefined)
  return (named.length > 0 ? named : found).map(({ method }) => method)
}
