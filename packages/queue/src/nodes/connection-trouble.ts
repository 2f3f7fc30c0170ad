import { addressText } from '@timers/core'
import type { Redis } from 'ioredis'
import type { ConnectionOptions, Endpoint } from './redis-client.ts'
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
      this.#said = troubleIn(error)
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
    return this.#said ?? this.#seen
  }

  async #look(): Promise<void> {
    if (this.#looking || this.#said !== undefined || this.#redis.status === 'ready') return
    this.#looking = true
    const { tls, path } = this.#redis.options
    const found = await Promise.all(
      path === undefined ? this.#addresses().map((each) => tlsTrouble(each, tls)) : [],
    )
    this.#looking = false
    this.#seen = found.find((words) => words !== undefined)
    this.#log()
  }

  #addresses() {
    const { host = 'localhost', port = 6_379 } = this.#redis.options
    return this.#endpoint.kind === 'sentinel' ? this.#endpoint.sentinels : [{ host, port }]
  }

  #log(): void {
    const { words } = this
    if (words === undefined || words === this.#logged) return
    this.#logged = words
    const node = this.#addresses().map(addressText).join()
    this.#options.log.error({ node }, `redis cannot be used: ${words}`)
  }
}
