import { type Address, addressText, type RedisPlace } from '@timers/core'
import type { Redis } from 'ioredis'
import { ConnectionTrouble } from './connection-trouble.ts'
import { errorFields } from './error-fields.ts'
import type { PrimaryNews } from './following-connector.ts'
import { PrimaryClaim } from './primary-claim.ts'
import { type ConnectionOptions, connect } from './redis-client.ts'
import { troubleIn } from './redis-trouble.ts'
import { Seeds } from './seeds.ts'
import { askSentinel, type SentinelView, saysPrimary } from './sentinel-view.ts'

type SentinelPlace = Extract<RedisPlace, { readonly kind: 'sentinel' }>

/**
 * How often the Sentinels are asked: without anything having happened, and while something is wrong; in milliseconds. A primary
 * that stands still tells nobody, so whoever asks seldom comes late; each question costs a Sentinel some microseconds.
 */
const LOOK_EVERY_MS = 500
const LOOK_TROUBLED_EVERY_MS = 100
/** How long something counts as wrong after the last sign of it, in milliseconds. */
const TROUBLED_FOR_MS = 3_000
/** How long none of them may answer before it is said, in milliseconds. */
const SILENT_FOR_MS = 1_500

/**
 * Who is primary now, by the Sentinels: all of them are asked, all at a time, over one connection each, for all
 * connections of the process. One that stands still, or has not heard of it yet, holds up nobody.
 *
 * The Sentinel that promotes learns only by its next look, up to a second later, that a replica has become primary, and the others
 * after that. So the replica is asked, too, from the moment that this Sentinel says that it has chosen it. Both is needed:
 * a replica that says by itself that it is primary may just have been started without its configuration, and be empty.
 */
export class PrimaryWatch implements PrimaryNews {
  readonly #place: SentinelPlace
  readonly #options: ConnectionOptions
  readonly #sentinels: Seeds
  /** The replica that is being promoted. */
  readonly #heirs: Seeds
  readonly #claim = new PrimaryClaim()
  readonly #listeners = new Set<() => void>()
  /** Questions that are not answered yet: there is one at a time over each connection. */
  readonly #asked = new Set<Redis>()
  /** Of those whose last answer was an error. */
  readonly #errors = new WeakMap<Redis, unknown>()
  #timer: NodeJS.Timeout | undefined
  #troubledAt = Number.NEGATIVE_INFINITY
  /** When one of them told it last, or was first asked. */
  #toldAt = performance.now()
  #lastComplaint = ''
  #closed = false

  constructor(place: SentinelPlace, options: ConnectionOptions) {
    this.#place = place
    this.#options = options
    const { tls } = place.access
    const opener = (kind: 'sentinel' | 'node', access: SentinelPlace['access']) => (address: Address) => {
      const endpoint = { kind, address, access } as const
      const redis = connect(endpoint, 'reader', options)
      return { redis, trouble: new ConnectionTrouble(redis, endpoint, options) }
    }
    const look = () => this.#look()
    this.#sentinels = new Seeds(opener('sentinel', { password: options.sentinelPassword, tls }), look)
    this.#heirs = new Seeds(opener('node', place.access), look)
    this.#sentinels.open(place.sentinels)
    this.#lookLater()
  }

  /** Undefined while nobody has told it. */
  get address(): Address | undefined {
    return this.#claim.address
  }

  get trouble(): string | undefined {
    if (this.address !== undefined && !this.#isSilent) return undefined
    return troubleIn(this.#error, 'sentinel') ?? this.#sentinels.trouble
  }

  onMove(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  lost(): void {
    this.#troubledAt = performance.now()
    this.#look()
  }

  notPrimary(address: Address): void {
    this.#claim.doubt(address)
    this.lost()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#sentinels.open([])
    this.#heirs.open([])
  }

  get #isTroubled(): boolean {
    return this.address === undefined || performance.now() - this.#troubledAt < TROUBLED_FOR_MS
  }

  get #isSilent(): boolean {
    return performance.now() - this.#toldAt > SILENT_FOR_MS
  }

  /** What says what is wrong tells more than that a connection is not there. */
  get #error(): unknown {
    const errors = this.#sentinels.all.flatMap(({ redis }) => this.#errors.get(redis) ?? [])
    return errors.find((error) => troubleIn(error, 'sentinel') !== undefined) ?? errors[0]
  }

  #look(): void {
    if (this.#closed) return
    for (const { redis } of this.#sentinels.all) {
      if (redis.status === 'ready' && !this.#asked.has(redis)) void this.#ask(redis)
    }
    if (!this.#isTroubled) this.#heirs.open([])
    if (this.#isSilent) this.#complain()
    this.#lookLater()
  }

  #lookLater(): void {
    clearTimeout(this.#timer)
    const everyMs = this.#isTroubled ? LOOK_TROUBLED_EVERY_MS : LOOK_EVERY_MS
    this.#timer = setTimeout(() => this.#look(), everyMs).unref()
  }

  async #ask(sentinel: Redis): Promise<void> {
    this.#asked.add(sentinel)
    try {
      const view = await askSentinel(sentinel, this.#place.name)
      this.#errors.delete(sentinel)
      if (!this.#closed) this.#hear(view)
    } catch (error) {
      this.#errors.set(sentinel, error)
    }
    this.#asked.delete(sentinel)
  }

  #hear(view: SentinelView): void {
    this.#toldAt = performance.now()
    this.#lastComplaint = ''
    this.#meet(view.others)
    this.#follow(() => this.#claim.hear(view.primary, view.epoch))
    if (!view.isWell) {
      // The next look comes soon.
      const wasTroubled = this.#isTroubled
      this.#troubledAt = performance.now()
      if (!wasTroubled) this.#lookLater()
    }
    if (view.chosen !== undefined) void this.#askHeir(view.chosen, view.epoch)
  }

  /** Those that the URL does not name: one of them may be the one that promotes. */
  #meet(others: readonly Address[]): void {
    const { sentinels } = this.#place
    // Each leaves out itself. The same one may have another name here than there.
    if (others.length < sentinels.length) return
    this.#sentinels.open([...sentinels, ...others])
  }

  async #askHeir(chosen: Address, epoch: number): Promise<void> {
    this.#heirs.open([chosen])
    const [heir] = this.#heirs.all
    if (heir?.redis.status !== 'ready' || this.#asked.has(heir.redis)) return
    this.#asked.add(heir.redis)
    const isPrimary = await saysPrimary(heir.redis).catch(() => false)
    this.#asked.delete(heir.redis)
    if (isPrimary && !this.#closed) this.#follow(() => this.#claim.hearPromoted(chosen, epoch))
  }

  /** @param hear whether it is another one now */
  #follow(hear: () => boolean): void {
    const from = this.address
    if (!hear() || this.address === undefined) return
    const [to, { epoch }] = [addressText(this.address), this.#claim]
    if (from === undefined) this.#options.log.info({ node: to }, 'the Sentinels name the primary')
    else this.#options.log.info({ from: addressText(from), to, epoch }, 'another Redis is primary')
    for (const listener of [...this.#listeners]) listener()
  }

  #complain(): void {
    const fields = errorFields(this.#error ?? new Error('none of them can be reached'))
    if (fields.reason !== this.#lastComplaint) {
      const { trouble } = this
      const why = trouble === undefined ? '' : `: ${trouble}`
      this.#options.log.warn(fields, `no Sentinel tells which Redis is primary${why}`)
    }
    this.#lastComplaint = fields.reason
  }
}
