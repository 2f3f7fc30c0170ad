import type { Redis } from 'ioredis'
import { define, loadScript } from '../timers/scripts.ts'
import type { ShardKeys } from './shard-keys.ts'

/** Ids that one command fetches. A restart wastes what is left of the blocks; there are 9 * 10^15 ids. */
const BLOCK_SIZE = 100
/** The next block is fetched when this much is left of the last one, so that no timer waits for it under load. */
const SPARE = BLOCK_SIZE / 2

interface Scripts extends Redis {
  timersIds(
    anyKey: string,
    rest: string,
    first: string,
    count: number,
    above: number,
    layout: number,
  ): Promise<[last: number, layout: number, from: string, shards: number]>
}

const ANY_KEY = 'ids'

/** Numbers that are to be handed out: from the first one up to, and without, the second; and the layout they belong to. */
interface Block {
  next: number
  readonly end: number
  readonly from: number
  readonly shards: number
}

/**
 * Hands out ids of one shard, from blocks of numbers that lua/ids.lua gives.
 *
 * An id is minted *before* its timer is added and never handed out twice:
 * - blocks are thrown away when the connection they came over was lost, or the shard is served by another server: a Redis that
 *   lost its tail would give the same ones to someone else;
 * - a block at or below one that this process has had before is such a Redis, too: it is skipped;
 * - a server that was promoted skips far ahead, and where replicas are waited for, so are blocks (nodes/acks.ts).
 */
export class IdAllocator {
  readonly #redis: Scripts
  readonly #keys: ShardKeys
  readonly #connection: () => string
  #blocks: Block[] = []
  #left = 0
  /** The highest number so far, and of which layout it is. */
  #highest = { number: 0, layout: 0 }
  /** The connection that the blocks came over. */
  #known: string
  #refill: Promise<void> | undefined

  /** @param connection tells a connection to the shard from any other, before and after */
  constructor(redis: Redis, keys: ShardKeys, connection: () => string) {
    define(redis, 'timersIds', 1, loadScript('ids', 'mint'))
    this.#redis = redis as Scripts
    this.#keys = keys
    this.#connection = connection
    this.#known = connection()
  }

  /**
   * The next id.
   *
   * @throws whatever the connection throws
   */
  async next(): Promise<number> {
    for (;;) {
      const id = this.#take()
      if (id !== undefined) return id
      await this.#fill()
    }
  }

  /**
   * So many ids, fetched in one block where they are not at hand.
   *
   * @throws whatever the connection throws
   */
  async take(count: number): Promise<number[]> {
    for (;;) {
      this.#forgetLost()
      if (count <= this.#left) return Array.from({ length: count }, () => this.#take() as number)
      const block = await this.#reserve(count)
      if (block !== undefined) return Array.from({ length: count }, () => this.#idFrom(block))
    }
  }

  /** Undefined where no id is at hand. */
  #take(): number | undefined {
    this.#forgetLost()
    const block = this.#blocks[0]
    if (block === undefined) return undefined
    const id = this.#idFrom(block)
    if (block.next === block.end) this.#blocks.shift()
    this.#left -= 1
    // A failure is told to whoever has to wait.
    if (this.#left === SPARE) this.#fill().catch(() => {})
    return id
  }

  #idFrom(block: Block): number {
    const id = block.from + (block.next - 1) * block.shards + this.#keys.index + 1
    block.next += 1
    return id
  }

  #forgetLost(): void {
    const connection = this.#connection()
    if (connection === this.#known) return
    this.#known = connection
    this.#blocks = []
    this.#left = 0
    this.#refill = undefined
  }

  #fill(): Promise<void> {
    this.#refill ??= this.#takeBlock()
    return this.#refill
  }

  async #takeBlock(): Promise<void> {
    const connection = this.#connection()
    try {
      const block = await this.#reserve(BLOCK_SIZE)
      if (block === undefined) return
      this.#blocks.push(block)
      this.#left += BLOCK_SIZE
    } finally {
      if (connection === this.#known) this.#refill = undefined
    }
  }

  /** A block of numbers of its own, or undefined where the connection was lost meanwhile. */
  async #reserve(size: number): Promise<Block | undefined> {
    const connection = this.#connection()
    const { key, layout: first } = this.#keys
    const { number: above, layout: ofLayout } = this.#highest
    const [last, layout, from, shards] = await this.#redis.timersIds(
      key(ANY_KEY),
      ANY_KEY,
      first,
      size,
      above,
      ofLayout,
    )
    if (connection !== this.#connection()) return undefined
    if (layout > this.#highest.layout) this.#highest = { number: last, layout }
    else if (layout === this.#highest.layout) this.#highest.number = Math.max(this.#highest.number, last)
    return { next: last - size + 1, end: last + 1, from: Number(from), shards }
  }
}
