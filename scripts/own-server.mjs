import { RestartBudget } from './restart-budget.mjs'
import { SetupError } from './setup.mjs'

/** @import { RedisExit } from '@timers/local-redis' */

/**
 * What runs, once it is up.
 *
 * @typedef {object} Running
 * @property {string} url for REDIS_URL
 * @property {(name: string) => Promise<void>} startAgain on the same port and data
 * @property {() => Promise<unknown>} stop
 * @property {() => Promise<unknown>} kill
 */

/**
 * One Redis, or several that belong together.
 *
 * @typedef {object} OwnKind
 * @property {string} folder where its data is, in the data folder: no two kinds have anything in common
 * @property {Record<string, string>} settings of the services on it, where the environment says nothing else
 * @property {(dataDir: string, onCrash: (name: string, exit: RedisExit) => void) => Promise<Running>} launch
 *   `onCrash` is told of a process that ends; of one that was asked to, it may be
 */

/**
 * The Redis that `npm start` starts: redis-server is installed when there is none, and a process that dies is started again on
 * the same port and data.
 */
export class OwnServer {
  /** @type {OwnKind} */
  #kind
  /** @type {string} */
  #dataDir
  /** @type {(reason: string) => void} */
  #onGivenUp
  /** @type {Running | undefined} */
  #running
  /** @type {Promise<unknown>} the start that is under way */
  #launching = Promise.resolve()
  /** @type {Set<Promise<unknown>>} those that are under way */
  #restarts = new Set()
  /** @type {Map<string, RestartBudget>} by process */
  #budgets = new Map()
  #stopping = false

  /**
   * @param {OwnKind} kind
   * @param {string} dataDir
   * @param {(reason: string) => void} onGivenUp a process died too often
   */
  constructor(kind, dataDir, onGivenUp) {
    this.#kind = kind
    this.#dataDir = dataDir
    this.#onGivenUp = onGivenUp
  }

  /**
   * @returns {Promise<string>} its URL; empty when it was told to stop in the meantime
   */
  async start() {
    // Built a moment ago: it cannot be imported before.
    const { ensureRedisServer } = await import('@timers/local-redis')
    try {
      await ensureRedisServer((line) => console.log(line))
      return this.#stopping ? '' : await this.#launch()
    } catch (error) {
      throw new SetupError(error instanceof Error ? error.message : String(error), { cause: error })
    }
  }

  /** SIGTERM, then waits. */
  async stop() {
    this.#stopping = true
    await this.#launching
    await Promise.all(this.#restarts)
    await this.#running?.stop()
  }

  /** SIGKILL, at once. */
  kill() {
    this.#stopping = true
    void this.#running?.kill()
  }

  async #launch() {
    const launched = this.#kind.launch(this.#dataDir, (name, exit) => {
      const restart = this.#restart(name, exit)
      this.#restarts.add(restart)
      void restart.finally(() => this.#restarts.delete(restart))
    })
    const running = launched.then((one) => {
      this.#running = one
      return one
    })
    this.#launching = running.catch(() => {})
    return (await running).url
  }

  /**
   * @param {string} name
   * @param {RedisExit} exit
   */
  async #restart(name, { code, signal }) {
    await this.#launching
    // A start that failed says itself what went wrong.
    const running = this.#running
    if (this.#stopping || running === undefined) return
    const reason = `${name} ended with ${signal ?? `exit code ${code}`}`
    const budget = this.#budgets.get(name) ?? new RestartBudget()
    this.#budgets.set(name, budget)
    if (!budget.take()) return this.#onGivenUp(`${reason}, again and again`)
    console.error(`${reason}: starting it again on the same port and data.`)
    await budget.pause()
    if (this.#stopping) return
    try {
      await running.startAgain(name)
    } catch (error) {
      if (!this.#stopping) this.#onGivenUp(String(error))
    }
  }
}
