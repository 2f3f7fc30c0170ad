import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { stablePort } from '@timers/local-redis'
import { type Answer, type ReceivedRequest, type Receiver, startReceiver } from '../receivers/receiver.ts'
import { startTestRedis, type TestRedis } from '../redis/test-redis.ts'
import { type App, type Environment, entryOf, type Service, spawnService } from './service.ts'

export const DASHBOARD_USER = 'operator'
export const DASHBOARD_PASSWORD = 'e2e-password'

export interface InstallationOptions {
  /** Processes to start with. Default: 1. */
  readonly apis?: number
  /** Default: 2. */
  readonly workers?: number
  /** What the receiver does. Default: answers 200 after 50 to 400 ms. */
  readonly respond?: (request: ReceivedRequest) => Answer
  /** On top of the settings that every process gets. */
  readonly env?: Environment
  /** REDIS_URL of a Redis that somebody else has started, and stops: a cluster, say. The installation then has none of its own. */
  readonly redisUrl?: string
  /** Where Redis' data and the logs of the services go, for measuring. Default: the one away at the end, the others in memory. */
  readonly folder?: string
}

/** A service that listens. */
export interface Listening extends Service {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
}

/** A whole installation of its own: a Redis, or a place in another one, built processes, and a receiver. The test must `close()` it. */
export class Installation {
  readonly #redis: TestRedis | undefined
  readonly receiver: Receiver
  /** Those that became ready, in that order; the ended ones too. */
  readonly apis: Listening[] = []
  readonly workers: Service[] = []
  readonly #services: Service[] = []
  readonly #options: InstallationOptions
  #turn = 0

  private constructor(redis: TestRedis | undefined, receiver: Receiver, options: InstallationOptions) {
    this.#redis = redis
    this.receiver = receiver
    this.#options = options
  }

  static async start(options: InstallationOptions = {}): Promise<Installation> {
    const { apis = 1, workers = 2, respond = answerSlowly, folder } = options
    if (folder !== undefined) mkdirSync(folder, { recursive: true })
    const redis = options.redisUrl === undefined ? await startOwnRedis(folder) : undefined
    const installation = new Installation(redis, await startReceiver({ respond }), options)
    try {
      await Promise.all([
        ...Array.from({ length: apis }, () => installation.startApi()),
        ...Array.from({ length: workers }, () => installation.startWorker()),
      ])
      return installation
    } catch (error) {
      await installation.close()
      throw error
    }
  }

  /** Its own. */
  get redis(): TestRedis {
    if (this.#redis === undefined) throw new Error('This installation has no Redis of its own: redisUrl')
    return this.#redis
  }

  /** Number of shards of this installation. */
  get shards(): number {
    return Number(this.#options.env?.TIMER_SHARDS ?? 1)
  }

  /** An API that runs; another one each time, as a load balancer would pick. */
  get apiUrl(): string {
    const running = this.apis.filter((api) => api.exit === undefined)
    this.#turn += 1
    const api = running[this.#turn % running.length] ?? this.apis.at(-1)
    if (api === undefined) throw new Error('This installation has no API')
    return api.url
  }

  /** Requests that the receiver has not answered yet. */
  get openRequests(): ReceivedRequest[] {
    return this.receiver.requests.filter((request) => request.answeredAt === undefined)
  }

  /** Starts an API; resolves when it relies on Redis. */
  async startApi(execArgv?: readonly string[]): Promise<Listening> {
    const api = await this.bootApi(execArgv)
    await api.ready(`${api.url}/readyz`)
    this.apis.push(api)
    return api
  }

  /** Starts an API; resolves when it listens, whatever Redis does. Clients are not sent to it. */
  bootApi(execArgv?: readonly string[]): Promise<Listening> {
    return this.#boot('api', 'PORT', {}, execArgv)
  }

  /** Starts a worker; resolves when it takes timers. */
  async startWorker(env?: Environment, execArgv?: readonly string[]): Promise<Service> {
    const worker = await this.#boot('worker', 'HEALTH_PORT', env, execArgv)
    await worker.ready(`${worker.url}/readyz`)
    this.workers.push(worker)
    return worker
  }

  /** Starts a dashboard; resolves when it listens, whatever Redis does. */
  bootDashboard(): Promise<Listening> {
    return this.#boot('dashboard', 'DASHBOARD_PORT', { DASHBOARD_USER, DASHBOARD_PASSWORD })
  }

  /** Starts a process with the settings of this installation, and waits for nothing. */
  spawn(app: App, env: Environment = {}, execArgv: readonly string[] = []): Service {
    const { folder, env: own } = this.#options
    const redisUrl = this.#options.redisUrl ?? this.redis.url
    const common = { REDIS_URL: redisUrl, HOST: '127.0.0.1', DELIVERY_ALLOW_CIDRS: '127.0.0.0/8' }
    const service = spawnService({
      entry: entryOf(app),
      execArgv,
      env: { ...common, ...own, ...env },
      logFile: folder && join(folder, `${app}-${this.#services.length}.log`),
    })
    this.#services.push(service)
    return service
  }

  /** Ends everything, whatever state it is in. */
  async close(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.exit ?? service.kill('SIGKILL')))
    await this.receiver.close()
    await this.#redis?.stop()
  }

  async #boot(
    app: App,
    portName: string,
    env: Environment = {},
    execArgv: readonly string[] = [],
  ): Promise<Listening> {
    const port = Number(env[portName] ?? (await stablePort()))
    const service = this.spawn(app, { ...env, [portName]: port }, execArgv)
    const url = `http://127.0.0.1:${port}`
    await service.ready(`${url}/healthz`)
    return Object.defineProperty(service, 'url', { value: url }) as Listening
  }
}

function startOwnRedis(folder: string | undefined): Promise<TestRedis> {
  if (folder === undefined) return startTestRedis()
  return startTestRedis({ dataDir: join(folder, 'redis'), silenceMs: 120_000, commandTimeoutMs: 60_000 })
}

/** 200 after 50 to 400 ms: the same for the same timer, different for its neighbours. */
function answerSlowly({ id }: ReceivedRequest): Answer {
  return { delayMs: 50 + ((id * 137) % 351) }
}
