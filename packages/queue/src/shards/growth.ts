import { setTimeout as sleep } from 'node:timers/promises'
import { TimerError } from '@timers/core'
import type { Redis } from 'ioredis'
import { define, loadScript } from '../timers/scripts.ts'
import { storeErrorKind } from '../timers/store-error.ts'
import { FORMAT } from '../timers/stored-timer.ts'
import { GROWN_FORMAT } from './data-layout.ts'
import { readRecord, replaceRecord } from './layout-record.ts'
import type { Layout, Layouts } from './layouts.ts'
import { followText, LAYOUTS_EVERY_MS } from './live-layouts.ts'
import type { Shard, Shards } from './shards.ts'

/**
 * # How shards are added
 *
 * 1. Each shard is told where its numbers end in the present layout: far from where it is, so that nothing stands still. What is
 *    set stands; only a restore moves it on. (`end-ids.lua`)
 * 2. The new layout begins above the highest id that any of them may come to. It is recorded, if none was meanwhile.
 * 3. All processes read the layouts every two seconds: workers look at the new shards from then on. This is waited for.
 * 4. The new shards follow the new layout, and then the old ones: their next ids are of the new one, and words that have their home
 *    elsewhere in it are taken there no more. (`follow-layout.lua`)
 * 5. It is recorded that all follow it: from then on new timers are given to the new shards, too.
 *
 * Every step may be done twice and by several at once, and does nothing where it was done before. Each waits until all replicas
 * that are there have it before the next one begins, so no failover can undo one that another builds on. Whoever comes upon one
 * that was left half way goes on with it (growth-watch.ts).
 */

/**
 * How many numbers each shard may still hand out in the layout that ends: at 20,000 a second for minutes, also where a server is
 * promoted meanwhile, which jumps by up to five million.
 */
const NUMBERS_LEFT = 24_000_000
/** How far numbers may go beyond the end: callbacks do not ask. */
const BEYOND_END = 16_000_000
/** How long every process is given to read a new layout, in milliseconds. */
const READ_BY_ALL_MS = 2.5 * LAYOUTS_EVERY_MS
/** Longest wait for replicas, below the time for an answer, in milliseconds. */
const REPLICAS_WITHIN_MS = 1_500
/** How long a step is tried on while Redis is away, and how often, in milliseconds. */
const PATIENCE_MS = 30_000
const TRY_EVERY_MS = 500

/** Shards cannot be added so, or not now. */
export class GrowthRefused extends Error {
  override readonly name = 'GrowthRefused'
}

export interface GrowthOptions {
  /** Told of each step in plain words, when it is done; the next one waits for it. */
  readonly tell?: (step: string) => void | Promise<void>
  /** Default: `READ_BY_ALL_MS`. */
  readonly readByAllMs?: number
}

const END_IDS_TEXT = loadScript('end-ids', 'places', 'mint')
const FOLLOW_TEXT = loadScript('follow-layout', 'places', 'follow')

interface Scripts extends Redis {
  timersEndIds(
    layoutKey: string,
    first: string,
    number: number,
    left: number,
    beyond: number,
  ): Promise<[number: number, last: number]>
  timersFollow(layoutKey: string, layout: string): Promise<string>
}

/** Adds shards while everything runs. */
export class Growth {
  readonly #shards: Shards
  readonly #tell: (step: string) => void | Promise<void>
  readonly #readByAllMs: number

  /** @param shards opened for changes, and verified */
  constructor(shards: Shards, { tell = () => {}, readByAllMs = READ_BY_ALL_MS }: GrowthOptions = {}) {
    this.#shards = shards
    this.#tell = tell
    this.#readByAllMs = readByAllMs
  }

  /**
   * Makes it so many shards; finishes what was left half way before.
   *
   * @returns whether there was anything to do
   * @throws GrowthRefused where there are more already, or the data is too old; whatever the connection throws
   */
  async grow(to: number): Promise<boolean> {
    for (let did = false; ; did = true) {
      await this.finish()
      const { layouts } = this.#shards.layouts
      if (to < layouts.shards) {
        throw new GrowthRefused(
          `timers live in ${layouts.shards} shards, and there are never fewer than before: a timer stays in its shard until it is gone`,
        )
      }
      if (to === layouts.shards) return did
      await this.#begin(to)
    }
  }

  /** Goes on with what was left half way, if anything was. */
  async finish(): Promise<void> {
    await this.#persist(() => this.#shards.layouts.refresh())
    const { layouts, settled } = this.#shards.layouts
    if (layouts.number > settled) await this.#follow(layouts)
  }

  /** A new layout of as many shards as there are: the numbers of the present one have come to their end. */
  async renew(): Promise<void> {
    await this.finish()
    const { shards } = this.#shards.layouts.layouts
    await this.#begin(shards)
    await this.finish()
  }

  /** Up to where the new layout is recorded. Does nothing where somebody else was first. */
  async #begin(to: number): Promise<void> {
    const { layouts } = this.#shards.layouts
    const [first] = this.#shards.all
    if (first === undefined) return
    await this.#markFormat(first)
    const ends: number[] = []
    for (const shard of this.#shards.all) {
      const end = await this.#endOf(shard, layouts)
      if (end === undefined) return
      ends.push(end)
      await this.#tell(
        `shard ${shard.keys.index}: its numbers end in layout ${layouts.number}, far from where they are`,
      )
    }
    const { from, shards } = layouts.newest
    const next: Layout = { from: from + Math.max(...ends) * shards, shards: to }
    await this.#confirmed(first, async (redis) => {
      const read = await readRecord(redis, first.keys)
      // Somebody was first, also this very command, sent again.
      if (read === undefined || read.layouts.number !== layouts.number) return
      await replaceRecord(redis, first.keys, read, { layouts: layouts.with(next), settled: read.settled })
    })
    await this.#tell(
      `shard 0: recorded layout ${layouts.number + 1}, ${to} shards for ids above ${next.from}`,
    )
  }

  /** @returns undefined where the shard is ahead: somebody has added shards meanwhile */
  async #endOf(shard: Shard, layouts: Layouts): Promise<number | undefined> {
    const { keys } = shard
    const { number } = layouts
    const ask = (redis: Redis) =>
      scriptsOf(redis).timersEndIds(keys.key('layout'), keys.layout, number, NUMBERS_LEFT, BEYOND_END)
    let [followed, end] = await this.#confirmed(shard, ask)
    if (followed < number) {
      // A failover has made it forget.
      await this.#followIn(shard, layouts)
      ;[followed, end] = await this.#confirmed(shard, ask)
    }
    return followed === number ? end : undefined
  }

  /** From where the new layout is recorded. */
  async #follow(layouts: Layouts): Promise<void> {
    const { number } = layouts
    const before = layouts.list[number - 1] as Layout
    await this.#tell(`waiting ${this.#readByAllMs / 1_000} s, until all processes know of layout ${number}`)
    await sleep(this.#readByAllMs)
    // What a failover has made Redis forget meanwhile is recorded again.
    await this.#persist(() => this.#shards.layouts.refresh())
    const { all } = this.#shards
    const isNew = ({ keys: { index } }: Shard) => index >= before.shards && index < layouts.shards
    for (const shard of [...all.filter(isNew), ...all.slice(0, before.shards)]) {
      await this.#followIn(shard, layouts)
      await this.#tell(`shard ${shard.keys.index}: follows layout ${number}`)
    }
    const first = all[0] as Shard
    await this.#confirmed(first, async (redis) => {
      for (;;) {
        const read = await readRecord(redis, first.keys)
        if (read === undefined || read.settled >= number || read.layouts.number < number) return
        const done = await replaceRecord(redis, first.keys, read, { layouts: read.layouts, settled: number })
        if (done.settled >= number) return
      }
    })
    await this.#persist(() => this.#shards.layouts.refresh())
    await this.#tell(
      `shard 0: recorded that all ${layouts.shards} shards follow layout ${number}; all take new timers`,
    )
  }

  async #followIn(shard: Shard, { number, newest }: Layouts): Promise<void> {
    const { keys } = shard
    await this.#confirmed(shard, (redis) =>
      scriptsOf(redis).timersFollow(keys.key('layout'), followText(number, newest)),
    )
  }

  /** Releases that know nothing of layouts keep out from here on. */
  async #markFormat(first: Shard): Promise<void> {
    await this.#confirmed(first, async (redis) => {
      const format = Number(await redis.get(first.keys.format))
      if (format < FORMAT) {
        throw new GrowthRefused(
          'timers of an older release are still being brought into the present format: let a worker run until it says that this is done',
        )
      }
      if (format < GROWN_FORMAT) await redis.set(first.keys.format, GROWN_FORMAT)
    })
  }

  /** Until all replicas that are there have what was written: a wait counts only over the connection that wrote (nodes/acks.ts). */
  #confirmed<T>(shard: Shard, write: (redis: Redis) => Promise<T>): Promise<T> {
    return this.#persist(async () => {
      const { connection, losses } = shard
      const done = await write(shard.changes)
      const info = await shard.changes.info('replication')
      const replicas = Number(/^connected_slaves:(\d+)/m.exec(info)?.[1] ?? 0)
      const confirmed = replicas === 0 ? 0 : await shard.changes.wait(replicas, REPLICAS_WITHIN_MS)
      if (confirmed < replicas || shard.connection !== connection || shard.losses !== losses) {
        throw new TimerError(
          'STORE_UNAVAILABLE',
          `${confirmed} of ${replicas} replicas have confirmed a step`,
        )
      }
      return done
    })
  }

  /** Tries on while Redis is away or busy with a failover. */
  async #persist<T>(work: () => Promise<T>): Promise<T> {
    const until = performance.now() + PATIENCE_MS
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!passesBy(error) || performance.now() > until) throw error
        await sleep(TRY_EVERY_MS)
      }
    }
  }
}

function passesBy(error: unknown): boolean {
  if (error instanceof TimerError) return error.code === 'STORE_UNAVAILABLE' || error.code === 'STORE_REFUSED'
  const kind = storeErrorKind(error)
  return kind === 'refused' || kind === 'unreachable'
}

function scriptsOf(redis: Redis): Scripts {
  define(redis, 'timersEndIds', 1, END_IDS_TEXT)
  define(redis, 'timersFollow', 1, FOLLOW_TEXT)
  return redis as Scripts
}
