import { type Address, addressText } from '@timers/core'
import type { Redis } from 'ioredis'
import type { Witness } from './slot-map.ts'
import { witnessOver } from './witness.ts'

/** A node that is asked where the shards are, and nothing else. */
interface Seed {
  readonly address: Address
  readonly redis: Redis
  /** Why it could not be reached the last time. */
  error: Error | undefined
}

/** Nodes that can tell where the shards are while none does that serves some. */
export class Seeds {
  readonly #connect: (address: Address) => Redis
  readonly #ready: () => void
  readonly #open = new Map<string, Seed>()

  /** @param ready told when one can be asked */
  constructor(connect: (address: Address) => Redis, ready: () => void) {
    this.#connect = connect
    this.#ready = ready
  }

  get witnesses(): Witness[] {
    return [...this.#open.values()].map(({ address, redis }) => witnessOver(redis, address))
  }

  /** Why none could be reached: what Redis itself says, where one says something. */
  get error(): Error | undefined {
    const errors = [...this.#open.values()].flatMap(({ error }) => error ?? [])
    return errors.find(({ name }) => name === 'ReplyError') ?? errors[0]
  }

  /** Those at these addresses; the others go. */
  open(addresses: readonly Address[]): void {
    const wanted = new Map(addresses.map((address) => [addressText(address), address]))
    for (const [name, { redis }] of this.#open) {
      if (wanted.has(name)) continue
      redis.disconnect()
      this.#open.delete(name)
    }
    for (const [name, address] of wanted) {
      if (!this.#open.has(name)) this.#open.set(name, this.#openOne(address))
    }
  }

  #openOne(address: Address): Seed {
    const redis = this.#connect(address)
    const seed: Seed = { address, redis, error: undefined }
    redis.on('error', (error: Error) => {
      seed.error = error
    })
    redis.on('ready', () => {
      seed.error = undefined
      this.#ready()
    })
    return seed
  }
}
