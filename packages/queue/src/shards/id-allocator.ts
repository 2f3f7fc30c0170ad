import { TimerError } from '@timers/core'
import type { Redis } from 'ioredis'
import { define, loadScript } from '../timers/scripts.ts'
import { idOf, type Layout } from './layouts.ts'
import type { ShardKeys } from './shard-keys.ts'

/** Ids that one command fetches. A restart wastes what is left of the blocks; there are 9 * 10^15 ids. */
const BLOCK_SIZE = 100
/** The next block is fetched when this much is left of the last one, so that no timer waits for it under load. */
const SPARE = BLOCK_SIZE / 2

const IDS_TEXT = loadScript('ids', 'mint', 'follow')

interface Scripts extends Redis {
  timersIds(
    anyKey: string,
    rest: string,
    first: string,
    count: number,
    above: number,
    layout: number,
    followed: string,
    skip: '' | 'skip',
  ): Promise<[last: number, layout: number, from: string, shards: number]>
}

const ANY_KEY = 'ids'

/** What is to be known of all shards to make ids of one. */
export interface IdSource {
  /** The newest layout that some shard is known to follow, as ids.lua takes it. */
  readonly followedText: string
  /** A shard follows this layout. */
  learn(number: number, layout: Layout): void
  /** A shard hands out no ids any more in the layout that it follows: somebody has to see to it that it follows another. */
  idsEnded(): void
}

/** Numbers that are to be handed out: from the first one up to, and without, the second; and the layout they belong to. */
interface Block {
  next: number
  readonly end: number
  readonly layout: Layout
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
  readonly #layouts: IdSource
  #blocks: Block[] = []
  #left = 0
  /** The highest number so far, and of which layout it is. */
  #highest = { number: 0, layout: 0 }
  /** The connection that the blocks came over. */
  #known: string
  #refill: Promise<void> | undefined

  /** @param connection tells a connection to the shard from any other, before and after */
  constructor(redis: Redis, keys: ShardKeys, connection: () => string, layouts: IdSource) {
    define(redis, 'timersIds', 1, IDS_TEXT)
    this.#redis = redis as Scripts
    this.#keys = keys
    this.#connection = connection
    this.#layouts = layouts
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

  /** Takes so many numbers that nobody is to have, also where they have come to their end. */
  async leaveOut(count: number): Promise<void> {
    await this.#ask(count, 'skip')
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
    const id = idOf(block.layout, this.#keys.index, block.next)
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

  /**
   * A block of numbers of its own, or undefined where the connection was lost meanwhile.
   *
   * @throws TimerError `STORE_REFUSED` where the shard hands out none at the moment
   */
  async #reserve(size: number): Promise<Block | undefined> {
    const connection = this.#connection()
    const [last, number, from, shards] = await this.#ask(size, '')
    const layout = { from: Number(from), shards }
    this.#layouts.learn(number, layout)
    if (last === 0) {
      this.#layouts.idsEnded()
      throw new TimerError('STORE_REFUSED', 'shards are being added, and this one is not ready yet')
    }
    if (connection !== this.#connection()) return undefined
    if (number > this.#highest.layout) this.#highest = { number: last, layout: number }
    else if (number === this.#highest.layout) this.#highest.number = Math.max(this.#highest.number, last)
    return { next: last - size + 1, end: last + 1, layout }
  }

  #ask(count: number, skip: '' | 'skip') {
    const { key, layout: first } = this.#keys
    const { number: above, layout } = this.#highest
    const { followedText } = this.#layouts
    return this.#redis.timersIds(key(ANY_KEY), ANY_KEY, first, count, above, layout, followedText, skip)
  }
}
