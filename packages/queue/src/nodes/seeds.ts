import { type Address, addressText } from '@timers/core'
import type { Redis } from 'ioredis'
import type { ConnectionTrouble } from './connection-trouble.ts'
import type { Witness } from './slot-map.ts'
import { witnessOver } from './witness.ts'

/** A node that is asked where the shards are, and nothing else. */
interface Seed {
  readonly address: Address
  readonly redis: Redis
  /** Why it cannot be reached. */
  readonly trouble: ConnectionTrouble
}

/** Nodes that can tell where the shards are while none does that serves some. */
export class Seeds {
  readonly #connect: (address: Address) => Seed
  readonly #ready: () => void
  readonly #open = new Map<string, Seed>()

  /** @param ready told when one can be asked */
  constructor(connect: (address: Address) => Seed, ready: () => void) {
    this.#connect = connect
    this.#ready = ready
  }

  get witnesses(): Witness[] {
    return [...this.#open.values()].map(({ address, redis }) => witnessOver(redis, address))
  }

  /** Why none could be reached, in words for an operator; undefined while that is not known. */
  get trouble(): string | undefined {
    return [...this.#open.values()].find(({ trouble }) => trouble.words !== undefined)?.trouble.words
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
    const seed = this.#connect(address)
    seed.redis.on('ready', () => this.#ready())
    return seed
  }
}
