import { RestartBudget } from './restart-budget.mjs'
import { SetupError } from './setup.mjs'

/**
 * Settings of the services on a cluster of three primaries with a replica each, here and in docker-compose.cluster.yml: enough
 * shards that each primary has its part (4, 5 and 3, by their slots), and no more connections than that; and what counts is on the
 * replica, too.
 */
export const OF_OWN_CLUSTER = { TIMER_SHARDS: '12', REDIS_REPLICA_ACKS: '1' }

/**
 * The Redis Cluster of `npm start -- --cluster`: three primaries with a replica each on free ports; a node that dies is started
 * again on the same port and data.
 */
export class OwnCluster {
  /** @type {string} */
  #dataDir
  /** @type {(reason: string) => void} */
  #onGivenUp
  /** @type {import('@timers/local-redis').LocalCluster | undefined} */
  #cluster
  /** @type {Promise<unknown>} the start that is under way */
  #launching = Promise.resolve()
  /** @type {Set<Promise<unknown>>} restarts of nodes that are under way */
  #restarting = new Set()
  #stopping = false
  /** @type {Map<string, RestartBudget>} by node */
  #budgets = new Map()

  /**
   * @param {string} dataDir
   * @param {(reason: string) => void} onGivenUp a node died too often
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
    await Promise.all(this.#restarting)
    await this.#cluster?.stop()
  }

  /** SIGKILL, at once. */
  kill() {
    this.#stopping = true
    void this.#cluster?.kill()
  }

  async #launch() {
    const { startLocalCluster } = await import('@timers/local-redis')
    console.log('Starting a Redis Cluster of three primaries and three replicas ...')
    const launched = startLocalCluster({
      dataDir: this.#dataDir,
      detached: true,
      onCrash: (name, { code, signal }) => {
        const restart = this.#restart(name, `Redis ${name} ended with ${signal ?? `exit code ${code}`}`)
        this.#restarting.add(restart)
        void restart.finally(() => this.#restarting.delete(restart))
      },
    })
    this.#launching = launched.catch(() => {})
    this.#cluster = await launched
    return this.#cluster.url
  }

  /**
   * @param {string} name
   * @param {string} reason
   */
  async #restart(name, reason) {
    // Before all are up, the start itself says what went wrong.
    const node = this.#cluster?.nodes.find((one) => one.name === name)
    if (this.#stopping || node === undefined) return
    const budget = this.#budgets.get(name) ?? new RestartBudget()
    this.#budgets.set(name, budget)
    if (!budget.take()) return this.#onGivenUp(`${reason}, again and again`)
    console.error(`${reason}: starting it again on the same port and data.`)
    await budget.pause()
    if (this.#stopping) return
    try {
      await node.start()
    } catch (error) {
      if (!this.#stopping) this.#onGivenUp(String(error))
    }
  }
}
