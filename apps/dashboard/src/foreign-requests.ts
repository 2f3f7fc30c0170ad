import { createHostCheck, isCrossSite } from '@timers/runtime'
import type { FastifyInstance } from 'fastify'
import { sendProblem } from './problems.ts'
import type { DashboardSettings } from './settings.ts'

/**
 * Refuses what a page of another site has a browser send, and, where the dashboard listens on loopback or is told its names,
 * what was sent to another name: a page whose name was made to point at this machine (DNS rebinding) asks under its own.
 */
export function refuseForeignRequests(
  app: FastifyInstance,
  settings: Pick<DashboardSettings, 'HOST' | 'ALLOWED_HOSTS'>,
): void {
  const hostCheck = createHostCheck({ listensOn: settings.HOST, allowedHosts: settings.ALLOWED_HOSTS })
  app.addHook('onRequest', (request, reply, done) => {
    // The name that the browser used: of a trusted proxy, what it says it was.
    const { method, host, headers } = request
    if (hostCheck?.isOurs(host) === false) {
      sendProblem(reply, 403, `open it as ${hostCheck.names.join(', ')}; ALLOWED_HOSTS adds names`)
    } else if (isCrossSite(method, { ...headers, host })) {
      sendProblem(reply, 403, 'a page of another site sent this request')
    } else done()
  })
}
