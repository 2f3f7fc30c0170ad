import type { Redis } from 'ioredis'
import type { ShardKeys } from './shards.ts'

/** Ids that one INCRBY fetches. A restart wastes what is left of a block; there are 9 * 10^15 ids. */
const BLOCK_SIZE = 100

/**
 * Hands out sequence numbers of one shard, from blocks taken with INCRBY.
 *
 * A number is minted *before* its timer is added and never handed out twice:
 * - a block is thrown away when the connection it came over was lost: a Redis that lost its tail would give the
 *   same block to someone else;
 * - a block at or below one that this process has had before is such a Redis, too: it is skipped.
 */
export class IdAllocator {
  readonly #redis: Redis
  readonly #keys: ShardKeys
  #next = 1
  #last = 0
  #highest = 0
  #connection = 0
  #refill: Promise<void> | undefined

  constructor(redis: Redis, keys: ShardKeys) {
    this.#redis = redis
    this.#keys = keys
    redis.on('close', () => {
      this.#connection += 1
      this.#next = 1
      this.#last = 0
      this.#refill = undefined
    })
  }

  /**
   * The next number, 1 for the first ever.
   *
   * @throws whatever the connection throws
   */
  async next(): Promise<number> {
    while (this.#next > this.#last) {
      this.#refill ??= this.#takeBlock()
      await this.#refill
    }
    const number = this.#next
    this.#next += 1
    return number
  }

  async #takeBlock(): Promise<void> {
    const connection = this.#connection
    try {
      let last = await this.#redis.incrby(this.#keys.ids, BLOCK_SIZE)
      if (last - BLOCK_SIZE < this.#highest) {
        last = await this.#redis.incrby(this.#keys.ids, this.#highest - last + BLOCK_SIZE)
      }
      if (connection !== this.#connection) return
      this.#highest = last
      this.#next = last - BLOCK_SIZE + 1
      this.#last = last
    } finally {
      if (connection === this.#connection) this.#refill = undefined
    }
  }
}
