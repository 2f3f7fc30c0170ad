import type { Log } from '@timers/core'
import type { Redis } from 'ioredis'
import { errorFields } from '../nodes/error-fields.ts'
import {
  beginRecord,
  isSame,
  joined,
  type LayoutRecord,
  type ReadRecord,
  readRecord,
  replaceRecord,
} from './layout-record.ts'
import { type Layout, Layouts, layoutText } from './layouts.ts'
import type { ShardKeys } from './shard-keys.ts'

/** How often layouts are read without anybody having missed something, in milliseconds. */
export const LAYOUTS_EVERY_MS = 2_000

export interface LiveLayoutsOptions {
  /** Of the first shard: its keys, and a connection to it. */
  readonly keys: ShardKeys
  readonly redis: () => Redis
  /** Number of shards that the settings say: decides for an empty Redis, and is taken for true until Redis was asked. */
  readonly wanted: number
  readonly log: Log
}

/**
 * The layouts as this process knows them: read from Redis every two seconds, and whenever somebody has found nothing. Redis is the
 * truth, whatever the settings say; but what a failover has made it forget of them is told to it again.
 */
export class LiveLayouts {
  readonly #options: LiveLayoutsOptions
  readonly #timer: NodeJS.Timeout
  readonly #listeners = new Set<() => void>()
  readonly #endListeners = new Set<() => void>()
  #known: LayoutRecord
  /** Number of the newest layout that some shard is known to follow. */
  #followed = 0
  #isKnown = false
  #version = 0
  #reading: Promise<void> | undefined
  #readNext: Promise<void> | undefined

  constructor(options: LiveLayoutsOptions) {
    this.#options = options
    this.#known = { layouts: Layouts.first(options.wanted), settled: 0 }
    this.#timer = setInterval(() => {
      if (this.#isKnown) this.refresh().catch((error) => this.#unread(error))
    }, LAYOUTS_EVERY_MS)
    this.#timer.unref()
  }

  get layouts(): Layouts {
    return this.#known.layouts
  }

  /** Number of the layout that all shards follow, or a later one. */
  get settled(): number {
    return this.#known.settled
  }

  /** Goes up whenever something new is known. */
  get version(): number {
    return this.#version
  }

  /** Shards that new timers may be given: those that workers are known to look at. */
  get inUse(): number {
    const { layouts, settled } = this.#known
    return (layouts.list[settled] ?? layouts.newest).shards
  }

  /** The newest layout that some shard is known to follow, as ids.lua takes it; '' for the first. */
  get followedText(): string {
    const layout = this.#followed > 0 ? this.layouts.list[this.#followed] : undefined
    return layout === undefined ? '' : followText(this.#followed, layout)
  }

  /** What is to be said of the settings, for an operator. */
  get advice(): string | undefined {
    const { wanted } = this.#options
    const { shards } = this.layouts
    if (!this.#isKnown || wanted === shards) return undefined
    return wanted > shards
      ? `timers live in ${shards} shards, and TIMER_SHARDS is ${wanted}: to have as many, run npm run shards -- --grow ${wanted}`
      : `timers live in ${shards} shards, and TIMER_SHARDS is ${wanted}: there are never fewer shards than before; set TIMER_SHARDS=${shards}`
  }

  /** Called when more is known than before. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /**
   * Reads them anew: what was written before this is called is known after it. One reading for all who ask meanwhile.
   *
   * @throws whatever the connection throws
   */
  refresh(): Promise<void> {
    if (this.#reading === undefined) {
      this.#reading = this.#read().finally(() => {
        this.#reading = undefined
      })
      return this.#reading
    }
    // The one under way may have begun too early.
    this.#readNext ??= this.#reading
      .catch(() => {})
      .then(() => {
        this.#readNext = undefined
        return this.refresh()
      })
    return this.#readNext
  }

  /** What a shard has said of the layout that it follows. */
  learn(number: number, layout: Layout): void {
    if (number <= this.#followed) return
    const { layouts, settled } = this.#known
    // One that Redis has forgotten where they are recorded.
    if (number === layouts.number + 1) this.#know({ layouts: layouts.with(layout), settled })
    if (number <= this.layouts.number) this.#followed = number
  }

  /** A shard hands out no ids any more in the layout that it follows. */
  idsEnded(): void {
    for (const listener of this.#endListeners) listener()
  }

  onIdsEnded(listener: () => void): void {
    this.#endListeners.add(listener)
  }

  async #read(): Promise<void> {
    const { keys, redis, wanted } = this.#options
    const first = this.#isKnown ? this.layouts.first.shards : wanted
    let found = (await readRecord(redis(), keys)) ?? (await beginRecord(redis(), keys, first))
    for (let next = this.#afterReading(found); next !== undefined; next = this.#afterReading(found)) {
      found = await replaceRecord(redis(), keys, found, next)
    }
    const isNews = !this.#isKnown
    this.#isKnown = true
    if (isNews && this.advice !== undefined) this.#options.log.warn({}, this.advice)
  }

  /** Takes over what was read. Returns what is to be written in its place, where this process knows more. */
  #afterReading(found: ReadRecord): LayoutRecord | undefined {
    if (!this.#isKnown) {
      this.#know(found)
      return undefined
    }
    const both = joined(this.#known, found)
    if (both === undefined) {
      this.#options.log.error(
        { known: this.layouts.list, found: found.layouts.list },
        'redis has other layouts of the shards than before: has another data set taken its place?',
      )
      this.#know(found)
      return undefined
    }
    this.#know(both)
    return isSame(both, found) ? undefined : both
  }

  #know(next: LayoutRecord): void {
    const before = this.#known
    const { layouts, settled } = next
    this.#known = { layouts, settled }
    this.#followed = Math.min(layouts.number, Math.max(this.#followed, settled))
    const isSameList =
      before.layouts.newest.from === layouts.newest.from && before.layouts.shards === layouts.shards
    if (isSame(before, next) && isSameList) return
    this.#version += 1
    for (const listener of this.#listeners) listener()
  }

  #unread(error: unknown): void {
    this.#options.log.debug(errorFields(error), 'layouts of the shards could not be read')
  }
}

/** A layout as a shard records that it follows it. */
export function followText(number: number, layout: Layout): string {
  return `${number}:${layoutText(layout)}`
}

/** @returns undefined for the first layout */
export function parseFollowed(
  text: string,
): { readonly number: number; readonly layout: Layout } | undefined {
  const [number, from, shards] = text.split(':').map(Number)
  if (number === undefined || from === undefined || shards === undefined) return undefined
  return { number, layout: { from, shards } }
}
