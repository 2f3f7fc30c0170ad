import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, type RedisServer, redisCommand, startRedisServer } from '@timers/local-redis'
import { type ServiceProcess, startService } from './service-process.ts'

export interface Api extends ServiceProcess {
  readonly url: string
}

/**
 * Settings of the worker beside the defaults. One receiver on loopback stands for many here: the address must be
 * allowed, and the cap on requests in flight to one origin must not be what is measured. Webhooks are signed.
 */
const WORKER_SETTINGS = {
  DELIVERY_ALLOW_CIDRS: '127.0.0.0/8',
  DELIVERY_MAX_PER_ORIGIN: '1000',
  WEBHOOK_SECRETS: `whsec_${randomBytes(32).toString('base64')}`,
}

/** Redis as configured in redis.conf, in a folder of its own, and the built services on it. */
export class Installation {
  readonly #folder: string
  readonly #services: ServiceProcess[] = []
  #redis: RedisServer

  private constructor(folder: string, redis: RedisServer) {
    this.#folder = folder
    this.#redis = redis
  }

  /** `folder` must be new. */
  static async start(folder: string): Promise<Installation> {
    mkdirSync(folder, { recursive: true })
    return new Installation(folder, await startRedisServer({ dataDir: join(folder, 'redis') }))
  }

  get redis(): RedisServer {
    return this.#redis
  }

  async startApi(execArgv: readonly string[] = []): Promise<Api> {
    const port = String(await freePort())
    const url = `http://127.0.0.1:${port}`
    const env = { ...this.#env, PORT: port, DELIVERY_ALLOW_CIDRS: WORKER_SETTINGS.DELIVERY_ALLOW_CIDRS }
    const api = await this.#start('api', env, `${url}/readyz`, execArgv)
    return { ...api, url }
  }

  async startWorker(execArgv: readonly string[] = []): Promise<ServiceProcess> {
    const port = String(await freePort())
    const env = { ...this.#env, ...WORKER_SETTINGS, HEALTH_PORT: port }
    return this.#start('worker', env, `http://127.0.0.1:${port}/readyz`, execArgv)
  }

  /** Kills Redis; `startRedis` brings it back on the same data and port. */
  async killRedis(): Promise<void> {
    await this.#redis.kill()
  }

  /** Resolves when it has loaded its data and answers. */
  async startRedis(): Promise<void> {
    const { dataDir, port } = this.#redis
    this.#redis = await startRedisServer({ dataDir, port, silenceMs: 120_000 })
  }

  /** The fields of INFO. */
  async info(section: string): Promise<Readonly<Record<string, string>>> {
    const text = String(await redisCommand(this.#redis.port, ['INFO', section], 60_000))
    return Object.fromEntries(
      [...text.matchAll(/^([^#:\r\n]+):([^\r\n]*)/gm)].map(([, key, value]) => [key, value]),
    )
  }

  command(...words: string[]) {
    return redisCommand(this.#redis.port, words, 60_000)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.stop()))
    await this.#redis.kill()
  }

  get #env() {
    return { REDIS_URL: this.#redis.url, HOST: '127.0.0.1' }
  }

  async #start(
    app: 'api' | 'worker',
    env: Readonly<Record<string, string>>,
    readyUrl: string,
    execArgv: readonly string[],
  ) {
    const service = await startService({ app, folder: this.#folder, env, readyUrl, execArgv })
    this.#services.push(service)
    return service
  }
}
