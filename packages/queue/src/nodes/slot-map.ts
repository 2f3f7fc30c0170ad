import type { Address, Log } from '@timers/core'
import { type ClusterNode, readClusterNodes, readEndpoints } from './cluster-nodes.ts'
import { errorFields } from './error-fields.ts'
import { inTime } from './in-time.ts'
import { troubleIn } from './redis-trouble.ts'
import type { SlotOwner } from './shard-spread.ts'

/** How often the map is read anew: without anything having happened, and while something is wrong; in milliseconds. */
const REFRESH_EVERY_MS = 2_000
const REFRESH_TROUBLED_EVERY_MS = 200
/** Shortest time between two readings that errors ask for. */
const REFRESH_PAUSE_MS = 50
/** Whoever has not answered by then is not waited for, in milliseconds. */
const ANSWER_WITHIN_MS = 500
/** What takes no longer than that is no news: connections come about, or somebody takes over. In milliseconds. */
const COMPLAIN_AFTER_MS = 1_000
/** What nobody confirms for this long is believed no more, in milliseconds. */
const BELIEVED_FOR_MS = 10_000

/** Somebody who can be asked for the map, and at which address. */
export interface Witness {
  readonly address: Address
  /** The connection: there is one question at a time over each. */
  readonly via: object
  /** What it answers to `CLUSTER NODES` and `CLUSTER SLOTS`. */
  readonly ask: () => Promise<readonly [nodes: string, slots: unknown]>
}

export interface SlotMapHooks {
  /** Who can be asked. */
  readonly witnesses: () => readonly Witness[]
  /** Told after each change of who serves what, and after each reading. */
  readonly looked: () => void
}

interface Claim {
  readonly owner: string
  readonly epoch: number
  readonly seenAt: number
}

/** What a node told last. */
interface View {
  readonly epoch: number
  readonly seenAt: number
  readonly nodes: readonly ClusterNode[]
}

/**
 * Which primary of a cluster serves which slot, for the slots of our shards. Read from all nodes every two seconds, more often
 * while one of them is away, and at once where an answer says that it is out of date.
 *
 * Nodes may disagree: one that was cut off still claims what another has taken over. The one with the higher epoch has
 * it, as among the nodes themselves.
 */
export class SlotMap {
  readonly #claims = new Map<number, Claim | undefined>()
  readonly #hooks: SlotMapHooks
  readonly #log: Log
  /** Questions that are not answered yet. */
  readonly #asked = new Map<object, { readonly at: number; readonly answer: Promise<void> }>()
  /** How many slots a node says that are on their way, by its id. */
  readonly #moving = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #refreshing: Promise<boolean> | undefined
  #readAt = Number.NEGATIVE_INFINITY
  #lastComplaint = ''
  /** Since when nobody can tell it. */
  #troubledSince: number | undefined
  #view: View = { epoch: -1, seenAt: Number.NEGATIVE_INFINITY, nodes: [] }
  #error: unknown
  #closed = false

  constructor(slots: Iterable<number>, hooks: SlotMapHooks, log: Log) {
    for (const slot of slots) this.#claims.set(slot, undefined)
    this.#hooks = hooks
    this.#log = log
    this.#refreshLater()
  }

  /** `host:port` of the primary that serves a slot, as far as is known. */
  ownerOf(slot: number): string | undefined {
    return this.#claims.get(slot)?.owner
  }

  /** All primaries that serve slots of ours. */
  get owners(): ReadonlySet<string> {
    return new Set([...this.#claims.values()].flatMap((claim) => claim?.owner ?? []))
  }

  /** All nodes, as the one described them last that knows most. */
  get nodes(): readonly ClusterNode[] {
    return this.#view.nodes
  }

  /** All primaries that serve slots, of ours or not. */
  get primaries(): readonly SlotOwner[] {
    return this.nodes
      .filter(({ role, slots }) => role === 'primary' && slots.length > 0)
      .map(({ id, address, slots, failing }) => {
        return { name: address, slots, moving: this.#moving.get(id) ?? 0, failing }
      })
  }

  /** Whether the nodes agree that a slot is served: somebody has it who is not held for dead. */
  isCovered(slot: number): boolean {
    return this.nodes.some(
      ({ role, failing, slots }) =>
        role === 'primary' && !failing && slots.some(([first, last]) => first <= slot && slot <= last),
    )
  }

  /** Why nobody could tell it at the last try. */
  get error(): unknown {
    return this.#error
  }

  /** Whether a witness lets us wait for its answer. */
  isSilent(via: object): boolean {
    const asked = this.#asked.get(via)
    return asked !== undefined && performance.now() - asked.at > ANSWER_WITHIN_MS
  }

  /** All slots to know of: those of before that are not among them are forgotten. */
  hold(slots: readonly number[]): void {
    for (const slot of this.#claims.keys()) if (!slots.includes(slot)) this.#claims.delete(slot)
    const news = slots.filter((slot) => !this.#claims.has(slot))
    for (const slot of news) this.#claims.set(slot, undefined)
    if (news.length > 0) void this.refresh()
  }

  /** What a node has answered instead of serving a slot. */
  moved(slot: number, owner: string): void {
    const claim = this.#claims.get(slot)
    if (claim?.owner !== owner) {
      // Newer than what nodes say that have not heard of it yet, and older than what they will say.
      const epoch = Math.floor(claim?.epoch ?? 0) + 0.5
      this.#claims.set(slot, { owner, epoch, seenAt: performance.now() })
      this.#hooks.looked()
    }
    void this.refresh()
  }

  /** Reads it anew, once for all who ask meanwhile. Never throws. Whether somebody has told it. */
  refresh(): Promise<boolean> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
      this.#refreshLater()
    })
    return this.#refreshing
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #refreshLater(): void {
    clearTimeout(this.#timer)
    if (this.#closed) return
    const well = this.#error === undefined && [...this.#claims.keys()].every((slot) => this.isCovered(slot))
    this.#timer = setTimeout(() => void this.refresh(), well ? REFRESH_EVERY_MS : REFRESH_TROUBLED_EVERY_MS)
    this.#timer.unref()
  }

  /** Done with the first answer: a node that stands still must not hold up what others know. Later ones count, too. */
  async #refresh(): Promise<boolean> {
    const pause = this.#readAt + REFRESH_PAUSE_MS - performance.now()
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause).unref())
    this.#readAt = performance.now()
    if (this.#closed) return false
    try {
      const asked = this.#hooks.witnesses().map((witness) => this.#ask(witness))
      await inTime(Promise.any(asked), ANSWER_WITHIN_MS, 'no node has answered in time')
      this.#lastComplaint = ''
      this.#troubledSince = undefined
      this.#error = undefined
    } catch (error) {
      this.#error = error instanceof AggregateError ? mostTelling(error.errors) : error
      this.#complain()
    }
    if (!this.#closed) this.#hooks.looked()
    return this.#error === undefined
  }

  #complain(): void {
    const fields = errorFields(this.#error)
    const trouble = troubleIn(this.#error)
    this.#troubledSince ??= performance.now()
    // It may pass by itself, unless it says what must be mended.
    if (trouble === undefined && performance.now() - this.#troubledSince < COMPLAIN_AFTER_MS) return
    if (fields.reason !== this.#lastComplaint && !this.#closed) {
      const why = trouble === undefined ? '' : `: ${trouble}`
      this.#log.warn(fields, `no node tells the layout of the cluster${why}`)
    }
    this.#lastComplaint = fields.reason
  }

  /** One question to each at a time: who stands still is not asked again and again. */
  #ask(witness: Witness): Promise<void> {
    const { via } = witness
    const asked = this.#asked.get(via)
    if (asked !== undefined) return asked.answer
    const answer = this.#read(witness).finally(() => this.#asked.delete(via))
    this.#asked.set(via, { at: performance.now(), answer })
    return answer
  }

  async #read({ address, ask }: Witness): Promise<void> {
    const [text, slots] = await ask()
    if (this.#closed) return
    const now = performance.now()
    const nodes = readClusterNodes(text, address, readEndpoints(slots, address))
    const epoch = Math.max(...nodes.map((node) => node.epoch))
    const me = nodes.find(({ myself }) => myself)
    if (me !== undefined) this.#moving.set(me.id, me.moving.length)
    if (epoch >= this.#view.epoch || now - this.#view.seenAt > BELIEVED_FOR_MS) {
      this.#view = { epoch, seenAt: now, nodes }
    }
    if (this.#claim(nodes, now)) this.#hooks.looked()
  }

  /** Whether anything is another's now. */
  #claim(nodes: readonly ClusterNode[], now: number): boolean {
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
    return differs
  }
}

/** What says what is wrong tells more than that a connection is not there. */
function mostTelling(errors: readonly unknown[]): unknown {
  return errors.find((error) => troubleIn(error) !== undefined) ?? errors[0]
}
