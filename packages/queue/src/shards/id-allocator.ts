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

  /**
   * So many numbers, fetched in one block where they are not at hand.
   *
   * @throws whatever the connection throws
   */
  async take(count: number): Promise<number[]> {
    for (;;) {
      if (count <= this.#left) return Array.from({ length: count }, () => this.#take() as number)
      const block = await this.#reserve(count)
      if (block !== undefined) return Array.from({ length: count }, (_, index) => block.next + index)
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
      const block = await this.#reserve(BLOCK_SIZE)
      if (block === undefined) return
      this.#blocks.push(block)
      this.#left += BLOCK_SIZE
    } finally {
      if (connection === this.#connection) this.#refill = undefined
    }
  }

  /** A block of numbers of its own, or undefined where the connection was lost meanwhile. */
  async #reserve(size: number): Promise<Block | undefined> {
    const connection = this.#connection
    let last = await this.#redis.incrby(this.#keys.ids, size)
    if (last - size < this.#highest) {
      last = await this.#redis.incrby(this.#keys.ids, this.#highest - last + size)
    }
    if (connection !== this.#connection) return undefined
    this.#highest = Math.max(this.#highest, last)
    return { next: last - size + 1, end: last + 1 }
  }
}
