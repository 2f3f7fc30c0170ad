import basicAuth from '@fastify/basic-auth'
import type { Logger } from '@timers/runtime'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
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
    validate: async (user, password) => {
      if (!isRight(user, password)) return new Error('wrong name or password')
    },
  })
  const logIn = (request: FastifyRequest, reply: FastifyReply) =>
    new Promise<void>((resolve, reject) => {
      const check = app.basicAuth as onRequestHookHandler
      check.call(app, request, reply, (error) => (error === undefined ? resolve() : reject(error)))
    })
  app.addHook('onRequest', async (request, reply) => {
    if (OPEN_PATHS.has(request.routeOptions.url)) return
    // A browser asks without a login first: that guesses nothing.
    if (request.headers.authorization === undefined) return logIn(request, reply)
    const attempt = await limit.begin(request.ip)
    if (!attempt.heard) {
      refused.add(request.ip, 'too many attempts')
      reply.header('retry-after', String(Math.ceil(attempt.waitMs / 1_000)))
      return sendProblem(reply, 429, 'too many wrong logins: wait, then log in again')
    }
    try {
      await logIn(request, reply)
    } catch (error) {
      refused.add(request.ip, 'wrong name or password')
      throw error
    }
    await attempt.succeeded()
  })
}
