import { isIPv4 } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
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
  const names = ownNames(settings)
  app.addHook('onRequest', (request, reply, done) => {
    const name = request.host.replace(/:\d*$/, '').toLowerCase()
    if (names !== undefined && !names.has(name)) {
      sendProblem(reply, 403, `open it as ${[...names].join(', ')}; ALLOWED_HOSTS adds names`)
    } else if (isCrossSite(request)) {
      sendProblem(reply, 403, 'a page of another site sent this request')
    } else done()
  })
}

/** Undefined: it cannot know them. */
function ownNames({ HOST, ALLOWED_HOSTS }: Pick<DashboardSettings, 'HOST' | 'ALLOWED_HOSTS'>) {
  const isLoopback = HOST === 'localhost' || HOST === '::1' || (isIPv4(HOST) && HOST.startsWith('127.'))
  if (!isLoopback && ALLOWED_HOSTS.length === 0) return undefined
  const own = HOST.includes(':') ? `[${HOST}]` : HOST
  return new Set(['localhost', '127.0.0.1', '[::1]', own, ...ALLOWED_HOSTS].map((name) => name.toLowerCase()))
}

/** `Sec-Fetch-Site` is the browser's word; where it is missing, `Origin` must be the host that was asked. A link may lead here. */
function isCrossSite({ method, headers, host }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site']
  if (site === 'same-origin' || site === 'none') return false
  const { origin } = headers
  if (site === undefined)
    return origin !== undefined && origin.toLowerCase().split('//')[1] !== host.toLowerCase()
  return !(method === 'GET' && headers['sec-fetch-mode'] === 'navigate')
}
