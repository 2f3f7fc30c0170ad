import { type Address, addressText, type Log } from '@timers/core'
import type { Redis } from 'ioredis'
import { type ClusterNode, readClusterNodes } from './cluster-nodes.ts'
import { errorFields } from './error-fields.ts'
import { troubleIn } from './redis-trouble.ts'

/** How often the map is read anew without anything having happened, in milliseconds. */
const REFRESH_EVERY_MS = 2_000
/** Shortest time between two readings that errors ask for. */
const REFRESH_PAUSE_MS = 50
/** What nobody confirms for this long is believed no more, in milliseconds. */
const BELIEVED_FOR_MS = 10_000

/** Somebody who can be asked for the map, and at which address. */
export interface Witness {
  readonly address: Address
  readonly redis: Redis
}

interface Claim {
  readonly owner: string
  readonly epoch: number
  readonly seenAt: number
}

/**
 * Which primary of a cluster serves which slot, for the slots of our shards. Read from all nodes every two seconds, and at
 * once where an answer says that it is out of date.
 *
 * Nodes may disagree: one that was cut off still claims what another has taken over. The one with the higher epoch has
 * it, as among the nodes themselves.
 */
export class SlotMap {
  readonly #claims = new Map<number, Claim | undefined>()
  readonly #witnesses: () => readonly Witness[]
  readonly #changed: () => void
  readonly #log: Log
  readonly #timer: NodeJS.Timeout
  #refreshing: Promise<boolean> | undefined
  #readAt = 0
  #lastComplaint = ''
  #nodes: readonly ClusterNode[] = []
  /** By the node that told it: each tells of itself only. */
  readonly #moving = new Map<string, number>()
  #problem: string | undefined
  #closed = false

  /**
   * @param witnesses who can be asked
   * @param changed told after each change
   */
  constructor(slots: Iterable<number>, witnesses: () => readonly Witness[], changed: () => void, log: Log) {
    for (const slot of slots) this.#claims.set(slot, undefined)
    this.#witnesses = witnesses
    this.#changed = changed
    this.#log = log
    this.#timer = setInterval(() => void this.refresh(), REFRESH_EVERY_MS)
    this.#timer.unref()
  }

  /** `host:port` of the primary that serves a slot, as far as is known. */
  ownerOf(slot: number): string | undefined {
    return this.#claims.get(slot)?.owner
  }

  /** All primaries that serve slots of ours. */
  get owners(): ReadonlySet<string> {
    return new Set([...this.#claims.values()].flatMap((claim) => claim?.owner ?? []))
  }

  /** All nodes, as one of them described them last. */
  get nodes(): readonly ClusterNode[] {
    return this.#nodes
  }

  /** How many slots are on their way from or to a node, as it said last. */
  movingAt(name: string): number {
    return this.#moving.get(name) ?? 0
  }

  /** Why nobody could tell it at the last try, or none serves any slot of ours, in words for an operator. */
  get problem(): string | undefined {
    return this.#problem ?? (this.#nodes.length === 0 ? undefined : this.unserved[0])
  }

  /** That there are shards which no node serves, in words for an operator. */
  get unserved(): readonly string[] {
    const claims = [...this.#claims.values()]
    const count = claims.filter((claim) => claim === undefined).length
    if (count === 0) return []
    return [
      `no node of the cluster serves ${count} of ${claims.length} shards: see redis-cli --cluster check`,
    ]
  }

  /** More slots to know of. */
  add(slots: Iterable<number>): void {
    for (const slot of slots) if (!this.#claims.has(slot)) this.#claims.set(slot, undefined)
    void this.refresh()
  }

  /** What a node has answered instead of serving a slot. */
  moved(slot: number, owner: string): void {
    const claim = this.#claims.get(slot)
    if (claim?.owner !== owner) {
      // Newer than what nodes say that have not heard of it yet, and older than what they will say.
      this.#claims.set(slot, { owner, epoch: (claim?.epoch ?? 0) + 0.5, seenAt: performance.now() })
      this.#changed()
    }
    void this.refresh()
  }

  /** Reads it anew, once for all who ask meanwhile. Never throws. Whether somebody has told it. */
  refresh(): Promise<boolean> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
  }

  /** Done with the first answer: a node that stands still must not hold up what others know. Later ones count, too. */
  async #refresh(): Promise<boolean> {
    const pause = this.#readAt + REFRESH_PAUSE_MS - performance.now()
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause).unref())
    this.#readAt = performance.now()
    if (this.#closed) return false
    try {
      await Promise.any(this.#witnesses().map((witness) => this.#ask(witness)))
      this.#lastComplaint = ''
      this.#problem = undefined
      return true
    } catch (error) {
      const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
      // One that is away says less than one that says no.
      const telling = errors.find((each) => troubleIn(each) !== undefined) ?? errors[0]
      const fields = errorFields(telling)
      this.#problem = troubleIn(telling)
      if (fields.reason !== this.#lastComplaint && !this.#closed) {
        const why = this.#problem === undefined ? '' : `: ${this.#problem}`
        this.#log.warn(fields, `no node tells the layout of the cluster${why}`)
      }
      this.#lastComplaint = fields.reason
      return false
    }
  }

  async #ask({ address, redis }: Witness): Promise<void> {
    const nodes = readClusterNodes(String(await redis.cluster('NODES')), address)
    if (this.#closed) return
    this.#nodes = nodes
    this.#moving.set(addressText(address), nodes.find(({ myself }) => myself)?.moving.length ?? 0)
    const now = performance.now()
    let differs = false
    for (const { role, address: owner, epoch, slots } of nodes) {
      if (role !== 'primary' || slots.length === 0) continue
      for (const [slot, claim] of this.#claims) {
        if (!slots.some(([first, last]) => first <= slot && slot <= last)) continue
        if (claim !== undefined && epoch < claim.epoch && now - claim.seenAt < BELIEVED_FOR_MS) continue
        this.#claims.set(slot, { owner, epoch, seenAt: now })
        differs ||= claim?.owner !== owner
      }
    }
    if (differs) this.#changed()
  }
}
