import { createHostCheck, isCrossSite } from '@timers/runtime'
import type { FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import { type Problem, problem } from '../problems/problem.ts'
import type { ReplyWithProblem } from '../problems/problem-reply.ts'
import type { ApiSettings } from '../settings.ts'

/** A host and perhaps a port (RFC 9110, 7.2); may be empty. */
const WELL_FORMED_HOST = /^[\w.~%!$&'()*+,;=-]*(?::\d*)?$|^\[[\w.:]+\](?::\d*)?$/

const NOT_ONE_HOST = problem('BAD_REQUEST', 'send exactly one Host header, with the name of this service')
const CROSS_SITE = problem(
  'CROSS_SITE_REQUEST',
  'a page of another site sent this request: pages may use the API from its own address only',
)

/**
 * Refuses, before anything else, what is not meant for this service or not sent by whom it seems: a Host header that is
 * missing (HTTP/1.0 has none), given twice or not ours, and requests that a browser sent for somebody else's page.
 */
export function refuseForeignRequests(
  app: App,
  settings: Pick<ApiSettings, 'HOST' | 'ALLOWED_HOSTS'>,
  replyWithProblem: ReplyWithProblem,
): void {
  const hostCheck = createHostCheck({ listensOn: settings.HOST, allowedHosts: settings.ALLOWED_HOSTS })
  const notOurs = problem(
    'INVALID_HOST',
    `the Host header must be one of ${hostCheck?.names.join(', ')}, with any port; ALLOWED_HOSTS adds names`,
  )

  function refusalOf({ method, headers, raw }: FastifyRequest): Problem | undefined {
    const { host } = headers
    if (
      host === undefined
        ? raw.httpVersion !== '1.0'
        : !WELL_FORMED_HOST.test(host) || isRepeated(raw.rawHeaders)
    ) {
      return NOT_ONE_HOST
    }
    if (host !== undefined && hostCheck?.isOurs(host) === false) return notOurs
    return isCrossSite(method, headers) ? CROSS_SITE : undefined
  }

  app.addHook('onRequest', (request, reply, done) => {
    const refusal = refusalOf(request)
    if (refusal === undefined) done()
    else replyWithProblem(request, reply, refusal)
  })
}

/** Node keeps the first of several Host headers and drops the rest. */
function isRepeated(rawHeaders: readonly string[]): boolean {
  let count = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count > 1
}
