/**
 * `npm start`: sets everything up and runs one API, one worker and the dashboard, with a Redis of their own, or a small
 * cluster of it (`npm start -- --cluster`).
 *
 * Stops everything in order on SIGINT, SIGTERM and SIGHUP; a second signal kills at once. README.md names the settings.
 */
import { randomBytes } from 'node:crypto'
import { join, relative } from 'node:path'
import { OWN_CLUSTER } from './own-cluster.mjs'
import { OWN_REDIS } from './own-redis.mjs'
import { OwnServer } from './own-server.mjs'
import { build, ensureInstalled, ROOT, runMain, SetupError } from './setup.mjs'
import { readArguments } from './start-arguments.mjs'
import { checkPortIsFree, readSettings } from './start-settings.mjs'
import { SupervisedService } from './supervised-service.mjs'

/** Ctrl-C comes twice when npm is in between: from the terminal, and passed on by npm. Both are one wish. */
const SAME_SIGNAL_MS = 1_000

await runMain(async () => {
  const { cluster, help } = readArguments(process.argv.slice(2), process.env)
  if (help !== undefined) {
    console.log(help)
    return 0
  }
  const settings = readSettings(process.env)
  await checkPortIsFree(settings.host, settings.apiPort, 'PORT')
  await checkPortIsFree(settings.host, settings.dashboardPort, 'DASHBOARD_PORT')
  await ensureInstalled()
  await build()
  return runEverything(settings, cluster ? OWN_CLUSTER : OWN_REDIS)
})

/** @import { OwnKind } from './own-server.mjs' */
/** @import { Settings } from './start-settings.mjs' */

/**
 * @param {Settings} settings
 * @param {OwnKind} kind of the Redis to start where REDIS_URL names none
 * @returns {Promise<number>} exit code, when everything has stopped
 */
async function runEverything(settings, kind) {
  /** @type {(exitCode: number) => void} */
  let requestStop = () => {}
  /** @type {Promise<number>} */
  const stopRequested = new Promise((done) => {
    requestStop = done
  })
  const onGivenUp = (/** @type {string} */ reason) => {
    console.error(`${reason}: giving up, stopping everything.`)
    requestStop(1)
  }
  const dataDir = join(settings.dataDir, kind.folder)
  const redis = settings.redisUrl === undefined ? new OwnServer(kind, dataDir, onGivenUp) : undefined
  /** @type {SupervisedService[]} */
  let services = []
  listenToSignals(requestStop, () => {
    for (const one of [...services, redis]) one?.kill()
  })

  const outcome = startRedis(settings, redis)
    .then(async (redisUrl) => {
      // Empty: the wish to stop came first.
      if (redisUrl === '') return stopRequested
      const access = accessTo(settings, redisUrl)
      services = createServices(settings, access, kind, onGivenUp)
      const ready = await Promise.all(services.map((service) => service.start()))
      if (ready.every(Boolean)) printWelcome(settings, access, kind)
      return stopRequested
    })
    .catch((error) => {
      console.error(`\n${error instanceof SetupError ? error.message : error.stack}`)
      return 1
    })
  const exitCode = await Promise.race([outcome, stopRequested])
  console.log(`\nStopping: API, worker, dashboard${redis === undefined ? '' : ', Redis'} ...`)
  for (const one of [...services, redis]) await one?.stop()
  console.log('Stopped.')
  return exitCode
}

/**
 * @param {Settings} settings
 * @param {OwnServer | undefined} redis
 */
async function startRedis(settings, redis) {
  return redis === undefined ? (settings.redisUrl ?? '') : redis.start()
}

/** @typedef {ReturnType<typeof accessTo>} Access */

/**
 * @param {Settings} settings
 * @param {string} redisUrl
 */
function accessTo({ host, apiPort, dashboardPort, givenPassword }, redisUrl) {
  return {
    redisUrl,
    apiUrl: urlOf(host, apiPort),
    dashboardUrl: urlOf(host, dashboardPort),
    password: givenPassword ?? randomBytes(12).toString('base64url'),
  }
}

/**
 * @param {Settings} settings
 * @param {Access} access
 * @param {OwnKind} kind
 * @param {(reason: string) => void} onGivenUp
 * @returns {SupervisedService[]} in the order of stopping
 */
function createServices(settings, { redisUrl, apiUrl, dashboardUrl, password }, kind, onGivenUp) {
  const env = {
    ...kind.settings,
    ...process.env,
    REDIS_URL: redisUrl,
    HOST: settings.host,
    PORT: String(settings.apiPort),
    DASHBOARD_PORT: String(settings.dashboardPort),
    DASHBOARD_USER: settings.dashboardUser,
    DASHBOARD_PASSWORD: password,
    DELIVERY_ALLOW_CIDRS: settings.allowCidrs,
  }
  return [
    { name: 'api', readyUrl: `${apiUrl}/readyz` },
    { name: 'worker', readyMessage: 'worker ready' },
    { name: 'dashboard', readyUrl: `${dashboardUrl}/healthz` },
  ].map(
    ({ name, ...ready }) =>
      new SupervisedService({
        name,
        entry: join(ROOT, 'apps', name, 'dist', 'main.js'),
        env,
        logFolder: join(settings.dataDir, 'logs'),
        onGivenUp,
        ...ready,
      }),
  )
}

/**
 * @param {Settings} settings
 * @param {Access} access
 * @param {OwnKind} kind
 */
function printWelcome(settings, { apiUrl, dashboardUrl, redisUrl, password }, kind) {
  const { dashboardUser, givenPassword, allowCidrs } = settings
  const dataDir = relative(process.cwd(), settings.dataDir) || '.'
  const shownPassword = givenPassword === undefined ? password : 'as set in DASHBOARD_PASSWORD'
  const ownData = `data in ${dataDir}/${kind.folder}`
  const shownRedis = redisUrl.replace(/\/\/[^@/]*@/, '//***@')
  console.log(`
Timers is running.

  API        ${apiUrl}
  Dashboard  ${dashboardUrl}   user: ${dashboardUser}   password: ${shownPassword}
  Redis      ${shownRedis}   ${settings.redisUrl === undefined ? ownData : '(REDIS_URL)'}
${kind === OWN_CLUSTER ? clusterLine() : ''}  Logs       ${dataDir}/logs, at most 50 MiB a service; warnings and errors are shown here too
  Webhooks   go to public addresses${allowCidrs === '' ? ' only' : ` and to ${allowCidrs}`} (DELIVERY_ALLOW_CIDRS)

Try it. A receiver, in a second terminal:

  node -e "require('http').createServer((q, s) => { console.log(new Date().toISOString(), q.method, q.url); s.end() }).listen(4000, '127.0.0.1')"

A timer of five seconds, in a third one; then POST /hook/<id> shows up at the receiver:

  curl -i ${apiUrl}/timers -H 'content-type: application/json' -d '{"seconds":5,"url":"http://127.0.0.1:4000/hook"}'

Ctrl-C stops everything. Timers stay in Redis and fire after the next start.
`)
}

/** What the cluster is, for the welcome. */
function clusterLine() {
  const { TIMER_SHARDS: shards, REDIS_REPLICA_ACKS: acks } = { ...OWN_CLUSTER.settings, ...process.env }
  return `  Cluster    3 primaries with a replica each, ${shards} shards at first (TIMER_SHARDS); what counts is on ${acks} more (REDIS_REPLICA_ACKS)
`
}

/**
 * @param {string} host
 * @param {number} port
 */
function urlOf(host, port) {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`
}

/**
 * @param {(exitCode: number) => void} stop
 * @param {() => void} killAll
 */
function listenToSignals(stop, killAll) {
  let firstAt = 0
  const onSignal = () => {
    const now = Date.now()
    if (firstAt === 0) {
      firstAt = now
      stop(0)
    } else if (now - firstAt > SAME_SIGNAL_MS) {
      console.error('Killed at once.')
      killAll()
      process.exit(130)
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal)
  // A terminal that was closed takes no more output; that is no reason not to stop in order.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
}
