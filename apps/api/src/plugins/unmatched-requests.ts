import type { HTTPMethods } from 'fastify'
import type { App } from '../app.ts'
import { problem } from '../problems/problem.ts'
import { pathOf, type ReplyWithProblem } from '../problems/problem-reply.ts'
import { PATCH_MEDIA_TYPES } from '../server-options.ts'

const KEY_IS_MISSING = 'key is missing in the path: /timers/by-key/<key>'
const MISSING_KEY = problem('INVALID_KEY', KEY_IS_MISSING, [{ field: 'key', message: KEY_IS_MISSING }])

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
    const keyIsMissing = /^\/timers\/by-key\/?$/.test(path)
    const allowed = methodsAt(app, keyIsMissing ? '/timers/by-key/any' : path)
    const isKnown = allowed.includes(request.method as HTTPMethods)
    if (isKnown && keyIsMissing) {
      replyWithProblem(request, reply, MISSING_KEY)
      return
    }
    if (isKnown && !request.is404) return done()
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

/**
 * `GET /timers/batch` is matched by `/timers/:id`, although that path is another's, which knows POST only; and
 * `GET /timers/by-key/`, where a key is missing.
 */
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
