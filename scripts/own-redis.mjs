import { RestartBudget } from './restart-budget.mjs'
import { SetupError } from './setup.mjs'

/**
 * The quick start's own redis-server: installed when there is none, started on a free port, started again on the same port and
 * data when it dies.
 */
export class OwnRedis {
  /** @type {string} */
  #dataDir
  /** @type {(reason: string) => void} */
  #onGivenUp
  /** @type {import('@timers/local-redis').RedisServer | undefined} */
  #server
  /** @type {Promise<unknown>} the start or restart that is under way */
  #launching = Promise.resolve()
  #stopping = false
  #restarts = new RestartBudget()

  /**
   * @param {string} dataDir
   * @param {(reason: string) => void} onGivenUp it died too often
   */
  constructor(dataDir, onGivenUp) {
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
    await this.#server?.stop()
  }

  /** SIGKILL, at once. */
  kill() {
    this.#stopping = true
    void this.#server?.kill()
  }

  /** @param {number} [port] */
  async #launch(port) {
    const { startRedisServer } = await import('@timers/local-redis')
    const options = { dataDir: this.#dataDir, detached: true }
    const launched = startRedisServer(port === undefined ? options : { ...options, port })
    this.#launching = launched.catch(() => {})
    const server = await launched
    this.#server = server
    void server.exited.then(({ code, signal }) => {
      if (!this.#stopping)
        return this.#restart(server.port, `Redis ended with ${signal ?? `exit code ${code}`}`)
    })
    return server.url
  }

  /**
   * @param {number} port
   * @param {string} reason
   */
  async #restart(port, reason) {
    if (!this.#restarts.take()) return this.#onGivenUp(`${reason}, again and again`)
    console.error(`${reason}: starting it again on the same port and data.`)
    await this.#restarts.pause()
    if (this.#stopping) return
    try {
      await this.#launch(port)
    } catch (error) {
      if (!this.#stopping) this.#onGivenUp(String(error))
    }
  }
}
