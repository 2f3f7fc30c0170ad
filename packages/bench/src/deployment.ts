import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  type App,
  type Environment,
  entryOf,
  eventually,
  type Listening,
  spawnService,
  stablePort,
  startTestCluster,
  startTestRedis,
  type TestCluster,
} from '@timers/lab'
import type { RedisReply } from '@timers/local-redis'

/** What Redis is made of: a single one, or a cluster of so many primaries with so many replicas each. */
export type Topology = 'single' | { readonly primaries: number; readonly replicas: number }

/** A Redis of a deployment. */
export interface Server {
  readonly pid: number | undefined
  command(...words: string[]): Promise<RedisReply>
}

interface Servers {
  readonly url: string
  readonly primaries: readonly Server[]
  readonly replicas: readonly Server[]
  readonly cluster?: TestCluster['redis']
  stop(): Promise<void>
}

/** A service of a deployment, with the file that it logs to. */
export interface DeployedService extends Listening {
  readonly logFile: string
}

interface DeploymentOptions {
  readonly topology: Topology
  /** Number of shards. */
  readonly shards: number
  /** Where Redis' data and the logs go; must be new. */
  readonly folder: string
  /** Settings of every service, beside the defaults. */
  readonly env: Environment
  /** Built entry points of another commit. Default: those of this one. */
  readonly entry?: (app: App) => string
}

/**
 * Redis in any topology, and services on it, started one by one. Files are not rewritten by themselves: a rewrite would cost
 * whichever topology it fell upon.
 */
export class Deployment {
  readonly url: string
  readonly primaries: readonly Server[]
  readonly replicas: readonly Server[]
  readonly #cluster: TestCluster['redis'] | undefined
  readonly #options: DeploymentOptions
  readonly #stops: (() => Promise<unknown>)[]
  #started = 0

  private constructor(servers: Servers, options: DeploymentOptions) {
    this.url = servers.url
    this.primaries = servers.primaries
    this.replicas = servers.replicas
    this.#cluster = servers.cluster
    this.#options = options
    this.#stops = [() => servers.stop()]
  }

  static async start(options: DeploymentOptions): Promise<Deployment> {
    mkdirSync(options.folder, { recursive: true })
    return new Deployment(await startServers(options.topology, join(options.folder, 'redis')), options)
  }

  /** The nodes, and what can be done with them; throws where Redis is a single one. */
  get cluster(): TestCluster['redis'] {
    if (this.#cluster === undefined) throw new Error('a single Redis is no cluster')
    return this.#cluster
  }

  /** Starts a service; resolves when it relies on Redis. */
  async startService(app: 'api' | 'worker', more: Environment = {}): Promise<DeployedService> {
    const { folder, env, shards, entry = entryOf } = this.#options
    const port = await stablePort()
    const logFile = join(folder, `${app}-${this.#started}.log`)
    this.#started += 1
    const service = spawnService({
      entry: entry(app),
      logFile,
      env: {
        REDIS_URL: this.url,
        TIMER_SHARDS: shards,
        HOST: '127.0.0.1',
        DELIVERY_ALLOW_CIDRS: '127.0.0.0/8',
        [app === 'api' ? 'PORT' : 'HEALTH_PORT']: port,
        ...env,
        ...more,
      },
    })
    this.#stops.push(async () => service.exit ?? (await service.kill('SIGKILL')))
    const url = `http://127.0.0.1:${port}`
    await service.ready(`${url}/readyz`)
    // Ready is who can use one node of a cluster: all are wanted here.
    const allThere = async () => {
      const { problems = [] } = (await (await fetch(`${url}/readyz`)).json()) as { problems?: string[] }
      if (problems.length > 0) throw new Error(problems.join('; '))
    }
    await eventually(allThere, { timeoutMs: 30_000 })
    return Object.defineProperties(service, {
      url: { value: url },
      logFile: { value: logFile },
    }) as DeployedService
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.reverse()) await stop()
  }
}

export function logBytes({ logFile }: DeployedService): number {
  return statSync(logFile).size
}

async function startServers(topology: Topology, dataDir: string): Promise<Servers> {
  const extraArgs = ['--auto-aof-rewrite-percentage', '0']
  if (topology === 'single') {
    const redis = await startTestRedis({ dataDir, extraArgs })
    return { url: redis.url, primaries: [redis], replicas: [], stop: () => redis.stop() }
  }
  const cluster = await startTestCluster({ ...topology, dataDir, extraArgs })
  const primaries = await cluster.redis.primaries()
  const replicas = cluster.redis.nodes.filter((node) => !primaries.includes(node))
  return { url: cluster.url, primaries, replicas, cluster: cluster.redis, stop: () => cluster.stop() }
}
