import basicAuth from '@fastify/basic-auth'
import type { Logger } from '@timers/runtime'
import type { FastifyInstance, onRequestHookHandler } from 'fastify'
import { createLoginCheck } from './login.ts'
import { LoginLimit } from './login-limit.ts'
import { sendProblem } from './problems.ts'
import { RefusedLogins } from './refused-logins.ts'
import type { DashboardSettings } from './settings.ts'

/** Paths without a login: orchestrators ask them, and they tell nothing about timers. */
const OPEN_PATHS: ReadonlySet<string | undefined> = new Set(['/healthz', '/readyz'])

/** Lets in who has the right name and password. Who guesses is answered 429, unheard, after a few attempts (`LoginLimit`). */
export function requireLogin(app: FastifyInstance, settings: DashboardSettings, logger: Logger): void {
  const isRight = createLoginCheck(settings.DASHBOARD_USER, settings.DASHBOARD_PASSWORD)
  const limit = new LoginLimit()
  const refused = new RefusedLogins(logger)
  app.addHook('onClose', async () => refused.flush())
  app.register(basicAuth, {
    authenticate: { realm: 'Timers' },
    validate: async (user, password, request) => {
      if (!isRight(user, password)) return new Error('wrong name or password')
      await limit.succeeded(request.ip)
    },
  })
  app.addHook('onRequest', async (request, reply) => {
    // A browser asks without a login first: that guesses nothing.
    if (OPEN_PATHS.has(request.routeOptions.url) || request.headers.authorization === undefined) return
    const waitMs = await limit.begin(request.ip)
    if (waitMs === undefined) return
    refused.add(request.ip, 'too many attempts')
    reply.header('retry-after', String(Math.ceil(waitMs / 1_000)))
    return sendProblem(reply, 429, 'too many wrong logins: wait, then log in again')
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (OPEN_PATHS.has(request.routeOptions.url)) return done()
    const login = app.basicAuth as onRequestHookHandler
    login.call(app, request, reply, (error) => {
      if (error !== undefined && request.headers.authorization !== undefined) {
        refused.add(request.ip, 'wrong name or password')
      }
      done(error)
    })
  })
}
