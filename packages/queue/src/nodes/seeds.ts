import { type Address, addressText } from '@timers/core'
import type { Redis } from 'ioredis'
import type { ConnectionTrouble } from './connection-trouble.ts'

/** Somebody who is asked where Redis is, and nothing else. */
interface Seed {
  readonly address: Address
  readonly redis: Redis
  readonly trouble: ConnectionTrouble
}

/** Nodes that can tell where the shards are while none does that serves some; and Sentinels. */
export class Seeds {
  readonly #connect: (address: Address) => Omit<Seed, 'address'>
  readonly #ready: () => void
  readonly #open = new Map<string, Seed>()

  /** @param ready told when one can be asked */
  constructor(connect: (address: Address) => Omit<Seed, 'address'>, ready: () => void) {
    this.#connect = connect
    this.#ready = ready
  }

  get all(): readonly Seed[] {
    return [...this.#open.values()]
  }

  /** Why none can be used, in words for an operator, where one of them tells. */
  get trouble(): string | undefined {
    return this.all.flatMap(({ trouble }) => trouble.words ?? [])[0]
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
    const { redis, trouble } = this.#connect(address)
    redis.on('ready', this.#ready)
    return { address, redis, trouble }
  }
}
