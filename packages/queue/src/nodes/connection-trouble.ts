import { type Address, addressText } from '@timers/core'
import type { Redis } from 'ioredis'
import { type ConnectionOptions, type Endpoint, tlsOf } from './redis-client.ts'
import { troubleIn } from './redis-trouble.ts'
import { tlsTrouble } from './tls-probe.ts'

/** How often an address that cannot be used is looked at more closely, in milliseconds. */
const LOOK_EVERY_MS = 1_000

/** Why a connection does not come about: by what its errors say, and by a closer look at who is there. Says it in the log, once. */
export class ConnectionTrouble {
  readonly #redis: Redis
  readonly #endpoint: Endpoint
  readonly #options: ConnectionOptions
  #said: string | undefined
  #seen: string | undefined
  #logged: string | undefined
  #looking = false

  constructor(redis: Redis, endpoint: Endpoint, options: ConnectionOptions) {
    this.#redis = redis
    this.#endpoint = endpoint
    this.#options = options
    const timer = setInterval(() => void this.#look(), LOOK_EVERY_MS)
    timer.unref()
    redis.on('error', (error) => {
      this.#said = troubleIn(error, endpoint.kind === 'sentinel' ? 'sentinel' : 'redis')
      this.#log()
    })
    redis.on('ready', () => {
      this.#said = undefined
      this.#seen = undefined
      this.#logged = undefined
    })
    redis.once('end', () => clearInterval(timer))
  }

  /** What to write instead; undefined while nothing is known. */
  get words(): string | undefined {
    const { primary } = this.#endpoint.kind === 'following' ? this.#endpoint : {}
    return this.#said ?? this.#seen ?? primary?.trouble
  }

  async #look(): Promise<void> {
    if (this.#looking || this.#said !== undefined || this.#redis.status === 'ready') return
    this.#looking = true
    const address = this.#address
    this.#seen = address && (await tlsTrouble(address, this.#tls))
    this.#looking = false
    this.#log()
  }

  /** Undefined where it has none, or nobody knows it. */
  get #address(): Address | undefined {
    if (this.#endpoint.kind === 'following') return this.#endpoint.where()
    const { host = 'localhost', port = 6_379, path } = this.#redis.options
    return path === undefined ? { host, port } : undefined
  }

  get #tls() {
    if (this.#endpoint.kind !== 'following') return this.#redis.options.tls
    return this.#endpoint.access.tls ? tlsOf(this.#options.caFile).tls : undefined
  }

  #log(): void {
    const words = this.#said ?? this.#seen
    if (words === undefined || words === this.#logged) return
    this.#logged = words
    const node = this.#address && addressText(this.#address)
    this.#options.log.error({ node }, `redis cannot be used: ${words}`)
  }
}
