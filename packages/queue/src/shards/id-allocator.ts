import type { Redis } from 'ioredis'
import type { ShardKeys } from './shard-keys.ts'

/** Ids that one INCRBY fetches. A restart wastes what is left of the blocks; there are 9 * 10^15 ids. */
const BLOCK_SIZE = 100
/** The next block is fetched when this much is left of the last one, so that no timer waits for it under load. */
const SPARE = BLOCK_SIZE / 2

/** Numbers that are to be handed out: from the first one up to, and without, the second. */
interface Block {
  next: number
  readonly end: number
}

/**
 * Hands out sequence numbers of one shard, from blocks taken with INCRBY.
 *
 * A number is minted *before* its timer is added and never handed out twice:
 * - blocks are thrown away when the connection they came over was lost: a Redis that lost its tail would give the
 *   same ones to someone else;
 * - a block at or below one that this process has had before is such a Redis, too: it is skipped.
 */
export class IdAllocator {
  readonly #redis: Redis
  readonly #keys: ShardKeys
  #blocks: Block[] = []
  #left = 0
  #highest = 0
  #connection = 0
  #refill: Promise<void> | undefined

  constructor(redis: Redis, keys: ShardKeys) {
    this.#redis = redis
    this.#keys = keys
    redis.on('close', () => {
      this.#connection += 1
      this.#blocks = []
      this.#left = 0
      this.#refill = undefined
    })
  }

  /**
   * The next number, 1 for the first ever.
   *
   * @throws whatever the connection throws
   */
  async next(): Promise<number> {
    for (;;) {
      const number = this.#take()
      if (number !== undefined) return number
      await this.#fill()
    }
  }

  /** Undefined where no number is at hand. */
  #take(): number | undefined {
    const block = this.#blocks[0]
    if (block === undefined) return undefined
    const number = block.next
    block.next += 1
    if (block.next === block.end) this.#blocks.shift()
    this.#left -= 1
    // A failure is told to whoever has to wait.
    if (this.#left === SPARE) this.#fill().catch(() => {})
    return number
  }

  #fill(): Promise<void> {
    this.#refill ??= this.#takeBlock()
    return this.#refill
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
      this.#blocks.push({ next: last - BLOCK_SIZE + 1, end: last + 1 })
      this.#left += BLOCK_SIZE
    } finally {
      if (connection === this.#connection) this.#refill = undefined
    }
  }
}
