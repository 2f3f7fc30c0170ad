import { fileURLToPath } from 'node:url'
import {
  type Answer,
  type ReceivedRequest,
  type Receiver,
  type Service,
  spawnService,
  startReceiver,
  startTestRedis,
  type TestRedis,
} from '@timers/lab'

export type App = 'api' | 'worker' | 'dashboard'
export type Environment = Readonly<Record<string, string | number>>

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
}

/** A service that listens. */
export interface Listening extends Service {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
}

/** Absolute path of a built entry point. */
export function entryOf(app: App): string {
  return fileURLToPath(new URL(`../../../apps/${app}/dist/main.js`, import.meta.url))
}

/** A whole installation of its own: a Redis, built processes, and a receiver. The test must `close()` it. */
export class Installation {
  readonly redis: TestRedis
  readonly receiver: Receiver
  /** Those that became ready, in that order; the ended ones too. */
  readonly apis: Listening[] = []
  readonly workers: Service[] = []
  readonly #services: Service[] = []
  readonly #env: Environment
  #turn = 0

  private constructor(redis: TestRedis, receiver: Receiver, env: Environment) {
    this.redis = redis
    this.receiver = receiver
    this.#env = env
  }

  static async start(options: InstallationOptions = {}): Promise<Installation> {
    const { apis = 1, workers = 2, respond = answerSlowly, env = {} } = options
    const redis = await startTestRedis()
    const receiver = await startReceiver({ respond })
    const installation = new Installation(redis, receiver, env)
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

  /** Number of shards of this installation. */
  get shards(): number {
    return Number(this.#env.TIMER_SHARDS ?? 1)
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
  async startApi(): Promise<Listening> {
    const api = await this.bootApi()
    await api.ready(`${api.url}/readyz`)
    this.apis.push(api)
    return api
  }

  /** Starts an API; resolves when it listens, whatever Redis does. Clients are not sent to it. */
  bootApi(): Promise<Listening> {
    return listening(this.spawn('api', { PORT: 0 }))
  }

  /** Starts a worker; resolves when it takes timers. */
  async startWorker(env: Environment = {}, execArgv: readonly string[] = []): Promise<Service> {
    const worker = this.spawn('worker', env, execArgv)
    await worker.waitForLog(({ msg }) => msg === 'worker ready')
    this.workers.push(worker)
    return worker
  }

  /** Starts a dashboard; resolves when it listens, whatever Redis does. */
  bootDashboard(): Promise<Listening> {
    return listening(this.spawn('dashboard', { DASHBOARD_PORT: 0, DASHBOARD_USER, DASHBOARD_PASSWORD }))
  }

  /** Starts a process with the settings of this installation, and waits for nothing. */
  spawn(app: App, env: Environment = {}, execArgv: readonly string[] = []): Service {
    const common = { REDIS_URL: this.redis.url, HOST: '127.0.0.1', DELIVERY_ALLOW_CIDRS: '127.0.0.0/8' }
    const service = spawnService({ entry: entryOf(app), execArgv, env: { ...common, ...this.#env, ...env } })
    this.#services.push(service)
    return service
  }

  /** Ends everything, whatever state it is in. */
  async close(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.exit ?? service.kill('SIGKILL')))
    await this.receiver.close()
    await this.redis.stop()
  }
}

/** 200 after 50 to 400 ms: the same for the same timer, different for its neighbours. */
function answerSlowly({ id }: ReceivedRequest): Answer {
  return { delayMs: 50 + ((id * 137) % 351) }
}

async function listening(service: Service): Promise<Listening> {
  const { address } = await service.waitForLog(({ msg }) => msg === 'listening')
  return Object.defineProperty(service, 'url', { value: String(address) }) as Listening
}
