import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { RestartBudget } from './restart-budget.mjs'
import { ServiceLog } from './service-log.mjs'
import { SetupError } from './setup.mjs'

const READY_WITHIN_MS = 30_000
/** Longer than any service drains by itself. */
const STOP_WITHIN_MS = 45_000
/** pino's number for `warn`. */
const WARN = 40

/**
 * @typedef {object} ServiceSettings
 * @property {string} name
 * @property {string} entry absolute path of the built entry point
 * @property {NodeJS.ProcessEnv} env
 * @property {string} logFolder
 * @property {string} [readyUrl] ready when this answers 2xx
 * @property {string} [readyMessage] ready when it logs this `msg`
 * @property {(reason: string) => void} onGivenUp it died too often
 */

/**
 * One service of the quick start: started, watched, started again when it dies, stopped.
 *
 * It runs in a process group of its own, so that Ctrl-C in the terminal reaches only us and the order of stopping holds. What
 * keeps it from outliving us is the IPC channel: it stops when that closes (TIMERS_PARENT_IPC).
 */
export class SupervisedService {
  /** @type {ServiceSettings} */
  #settings
  /** @type {ServiceLog} */
  #log
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child
  /** @type {Promise<string>} how the present process ended, in words */
  #ended = Promise.resolve('not started')
  /** @type {() => void} */
  #sawReadyMessage = () => {}
  #stopping = false
  #wasReady = false
  #restarts = new RestartBudget()
  /** @type {string[]} last lines, for the error when it does not start */
  #tail = []
  /** @type {string[]} kept until it is ready: when it never is, the error shows its log anyway */
  #earlyWarnings = []

  /** @param {ServiceSettings} settings */
  constructor(settings) {
    this.#settings = settings
    this.#log = new ServiceLog(settings.logFolder, settings.name)
  }

  /**
   * Starts it and waits until it is ready. Throws a SetupError with the end of its log when it dies before, or takes too long.
   *
   * @returns {Promise<boolean>} false when it was told to stop before it was ready
   */
  async start() {
    const { name } = this.#settings
    const readyMessage = this.#launch()
    const deadline = Date.now() + READY_WITHIN_MS
    const outcome = await Promise.race([
      this.#ended.then((how) => `ended with ${how}`),
      this.#becomesReady(readyMessage, deadline),
    ])
    if (this.#stopping) return false
    if (outcome !== '') {
      throw new SetupError(
        `The ${name} did not start: it ${outcome}. The end of its log:\n${this.#tail.join('\n')}`,
      )
    }
    this.#wasReady = true
    for (const warning of this.#earlyWarnings.splice(0)) console.error(warning)
    return true
  }

  /** SIGTERM, then waits; SIGKILL when it takes too long. */
  async stop() {
    this.#stopping = true
    this.#child?.kill('SIGTERM')
    const timer = setTimeout(() => {
      console.error(`The ${this.#settings.name} did not stop within ${STOP_WITHIN_MS / 1_000} s: killed.`)
      this.kill()
    }, STOP_WITHIN_MS)
    await this.#ended
    clearTimeout(timer)
    await this.#log.close()
  }

  /** SIGKILL, at once. */
  kill() {
    this.#stopping = true
    this.#child?.kill('SIGKILL')
  }

  /** @returns {Promise<''>} settles when the process logs its ready message */
  #launch() {
    const { name, entry, env } = this.#settings
    const child = spawn(process.execPath, [entry], {
      env: { ...env, TIMERS_PARENT_IPC: '1' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    })
    this.#child = child
    this.#tail = []
    /** @type {Promise<''>} */
    const readyMessage = new Promise((resolve) => {
      this.#sawReadyMessage = () => resolve('')
    })
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) this.#log.follow(stream, (line) => this.#takeLine(line))
    }
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`))
    })
    void this.#ended.then((how) => {
      if (this.#wasReady && !this.#stopping) return this.#restart(`The ${name} ended with ${how}`)
    })
    return readyMessage
  }

  /** @param {string} reason */
  async #restart(reason) {
    if (!this.#restarts.take()) return this.#settings.onGivenUp(`${reason}, again and again`)
    console.error(`${reason}: starting it again.`)
    await this.#restarts.pause()
    if (!this.#stopping) this.#launch()
  }

  /**
   * @param {Promise<''>} readyMessage
   * @param {number} deadline epoch milliseconds
   * @returns {Promise<string>} empty when it became ready, else what happened instead
   */
  async #becomesReady(readyMessage, deadline) {
    const { readyUrl } = this.#settings
    let answer = ''
    if (readyUrl === undefined) {
      const late = sleep(deadline - Date.now(), 'late', { ref: false })
      return (await Promise.race([readyMessage, late])) === ''
        ? ''
        : `was still starting after ${READY_WITHIN_MS / 1_000} s`
    }
    while (Date.now() < deadline && !this.#stopping) {
      try {
        const response = await fetch(readyUrl, { signal: AbortSignal.timeout(5_000) })
        const body = await response.text()
        if (response.ok) return ''
        answer = `answered ${response.status} ${body}`
      } catch (error) {
        answer = String(error)
      }
      await sleep(50)
    }
    return `did not become ready: ${readyUrl} ${answer}`
  }

  /** @param {string} line */
  #takeLine(line) {
    const { name, readyMessage } = this.#settings
    this.#tail = [...this.#tail.slice(-14), line]
    const record = parseRecord(line)
    if (record === undefined) {
      // No log line but node's own voice: a stack trace, a warning.
      if (this.#wasReady) console.error(`${name}: ${line}`)
      return
    }
    if (readyMessage !== undefined && record.msg === readyMessage) this.#sawReadyMessage()
    if (!isWarning(record.level)) return
    const warning = `${name}: ${describe(record)}`
    if (this.#wasReady) console.error(warning)
    else this.#earlyWarnings.push(warning)
  }
}

/**
 * @param {string} line
 * @returns {Record<string, unknown> | undefined}
 */
function parseRecord(line) {
  try {
    const value = JSON.parse(line)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

/** @param {unknown} level pino's number or label */
function isWarning(level) {
  return typeof level === 'number' ? level >= WARN : ['warn', 'error', 'fatal'].includes(String(level))
}

/**
 * A log record in one line: what happened, then the fields that say more.
 *
 * @param {Record<string, unknown>} record
 */
function describe({ level, time, pid, hostname, service, msg, err, ...fields }) {
  const cause = /** @type {{ message?: string } | undefined} */ (err)?.message
  const details = Object.entries(fields).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return [cause && cause !== msg ? `${msg}: ${cause}` : msg, ...details].join(' ')
}
