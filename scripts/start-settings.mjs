import { createServer } from 'node:net'
import { resolve } from 'node:path'
import { ROOT, SetupError } from './setup.mjs'

/** @typedef {ReturnType<typeof readSettings>} Settings */

/**
 * What the quick start is told by environment variables. Throws a SetupError for a port that is none.
 *
 * @param {NodeJS.ProcessEnv} env
 */
export function readSettings(env) {
  const apiPort = readPort(env, 'PORT', 3000)
  const dashboardPort = readPort(env, 'DASHBOARD_PORT', 3001)
  if (apiPort === dashboardPort) {
    throw new SetupError(`PORT and DASHBOARD_PORT are both ${apiPort}: give them different ports.`)
  }
  return {
    host: env.HOST || '127.0.0.1',
    apiPort,
    dashboardPort,
    dataDir: resolve(ROOT, env.TIMERS_DATA_DIR || 'data'),
    redisUrl: env.REDIS_URL || undefined,
    dashboardUser: env.DASHBOARD_USER || 'admin',
    givenPassword: env.DASHBOARD_PASSWORD || undefined,
    allowCidrs: env.DELIVERY_ALLOW_CIDRS ?? '127.0.0.0/8,::1/128',
  }
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {string} name
 * @param {number} fallback
 */
function readPort(env, name, fallback) {
  const text = env[name] || String(fallback)
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  throw new SetupError(`${name} must be a port number from 1 to 65535, for example ${name}=${fallback}.`)
}

/**
 * Throws a SetupError that names the port and the setting when nobody can listen on it.
 *
 * @param {string} host
 * @param {number} port
 * @param {string} name of the setting that chooses it
 */
export async function checkPortIsFree(host, port, name) {
  /** @type {NodeJS.ErrnoException | undefined} */
  const error = await new Promise((done) => {
    const probe = createServer()
    probe.once('error', done)
    probe.listen({ host, port }, () => probe.close(() => done(undefined)))
  })
  if (error === undefined) return
  const another = `choose another one, for example: ${name}=${port + 10} npm start`
  if (error.code === 'EADDRINUSE') {
    throw new SetupError(`Port ${port} (${name}) is taken by another process. Stop that one, or ${another}`)
  }
  if (error.code === 'EACCES')
    throw new SetupError(`Port ${port} (${name}) needs special permissions here: ${another}`)
  throw new SetupError(`Cannot listen on ${host}, port ${port} (HOST, ${name}): ${error.message}`)
}
