import { type Admission, type Gate, type Log, originOf } from '@timers/core'
import type { BreakerChange } from './circuit-breaker.ts'
import { Crowd } from './crowd.ts'
import { Host } from './host.ts'
import { Lobby } from './lobby.ts'
import { Newcomers } from './newcomers.ts'
import { Origin } from './origin.ts'

/** How long an origin without traffic is remembered that is known to be healthy, and any other, in milliseconds. */
const FORGET_HEALTHY_AFTER_MS = 3_600_000
const FORGET_AFTER_MS = 120_000
const SWEEP_EVERY_MS = 30_000
/** Most origins that are remembered; beyond that those go first that nothing good is known of. */
const MOST_ORIGINS = 20_000
/** Part of the hands that those not known to be healthy may fill; the rest is kept for those that are. */
const PART_FOR_NEWCOMERS = 3 / 4
/** Most newcomers that start at a time. */
const NEWCOMERS_AT_ONCE = 25
/** Part of the hands in which first requests may wait, up to so many, and for how long at most, in milliseconds. */
const PART_FOR_LOBBY = 1 / 20
const MOST_IN_LOBBY = 5
const LONGEST_IN_LOBBY_MS = 2_000
/** Most timers that wait in Redis and are remembered, so that they can be called back: some 5 MB. */
const MOST_REMEMBERED = 20_000

export interface ReceiverGateOptions {
  /** Most requests in flight to one origin. */
  readonly maxPerOrigin: number
  /** Most timers that this process has in hand. */
  readonly hands: number
  readonly log: Log
}

/**
 * # Nobody's receiver makes anybody else late
 *
 * Whose turn it is, in this worker process (docs/adr/0006-origin-gate.md). A timer passes before it claims its attempt;
 * one whose turn is not now goes back to Redis, unclaimed, and holds no hand meanwhile. What is bound:
 * - each origin, by a cap and a circuit breaker (`Origin`),
 * - each host, for those of its origins that are not known to answer (`Host`),
 * - all receivers that are not known to answer together (`Newcomers`): a quarter of the hands is not theirs.
 */
export class ReceiverGate implements Gate {
  readonly #options: ReceiverGateOptions
  readonly #newcomers: Newcomers
  readonly #lobby: Lobby
  readonly #crowd = new Crowd()
  readonly #recallRoom = { left: MOST_REMEMBERED }
  readonly #origins = new Map<string, Origin>()
  readonly #hosts = new Map<string, Host>()
  readonly #timer: NodeJS.Timeout
  #passes = 0
  #deferred = 0
  #inFlight = 0
  #breakersOpen = 0

  constructor(options: ReceiverGateOptions) {
    this.#options = options
    const most = Math.max(1, Math.floor(options.hands * PART_FOR_NEWCOMERS))
    this.#newcomers = new Newcomers(most, Math.min(NEWCOMERS_AT_ONCE, most))
    const seats = Math.min(MOST_IN_LOBBY, Math.floor(options.hands * PART_FOR_LOBBY))
    this.#lobby = new Lobby(seats, LONGEST_IN_LOBBY_MS)
    this.#timer = setInterval(() => this.#forgetIdle(), SWEEP_EVERY_MS)
    this.#timer.unref()
  }

  /** Origins that are remembered. */
  get receivers(): number {
    return this.#origins.size
  }

  /** Origins whose breaker is open. */
  get breakersOpen(): number {
    return this.#breakersOpen
  }

  /** How often a timer was sent back to wait for its turn, so far. */
  get deferred(): number {
    return this.#deferred
  }

  /** Passes that were given out and have not come back. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Those of them that went to receivers not known to be healthy. */
  get newcomersInFlight(): number {
    return this.#newcomers.inFlight
  }

  /** Timers that wait in Redis and can be called back. */
  get remembered(): number {
    return MOST_REMEMBERED - this.#recallRoom.left
  }

  enter(url: string, dueAt = Date.now()): Admission | Promise<Admission> {
    const admission = this.#originFor(url).enter(Date.now(), dueAt)
    return admission instanceof Promise
      ? admission.then((later) => this.#counted(later))
      : this.#counted(admission)
  }

  /** Defers whoever is parked. */
  close(): void {
    clearInterval(this.#timer)
    this.#lobby.close()
    for (const origin of this.#origins.values()) origin.close()
  }

  #counted(admission: Admission): Admission {
    if (admission.kind === 'defer') {
      this.#deferred += 1
      return admission
    }
    this.#inFlight += 1
    let left = false
    return {
      kind: 'go',
      sending: admission.sending,
      leave: (answered) => {
        if (!left) this.#inFlight -= 1
        left = true
        admission.leave(answered)
      },
    }
  }

  #originFor(url: string): Origin {
    const name = originOf(url)
    const known = this.#origins.get(name)
    if (known !== undefined) return known
    if (this.#origins.size >= MOST_ORIGINS) this.#makeRoom()
    const origin = new Origin({
      maxPerOrigin: this.#options.maxPerOrigin,
      host: this.#hostFor(new URL(name).hostname),
      newcomers: this.#newcomers,
      lobby: this.#lobby,
      crowd: this.#crowd,
      recallRoom: this.#recallRoom,
      nextPass: () => {
        this.#passes += 1
        return this.#passes
      },
      onBreaker: (change) => this.#tell(name, change),
    })
    this.#origins.set(name, origin)
    return origin
  }

  #hostFor(name: string): Host {
    const known = this.#hosts.get(name)
    if (known !== undefined) return known
    const host = new Host(this.#options.maxPerOrigin)
    this.#hosts.set(name, host)
    return host
  }

  #tell(origin: string, change: BreakerChange): void {
    const { log } = this.#options
    if (change.kind === 'closed') {
      this.#breakersOpen -= 1
      log.info({ origin, openMs: change.openMs }, 'a receiver answers again: its timers go out')
      return
    }
    const fields = { origin, failures: change.failures, until: new Date(change.until).toISOString() }
    if (change.kind === 'opened') {
      this.#breakersOpen += 1
      log.warn(fields, 'a receiver does not answer: its timers are held back')
    } else log.debug(fields, 'a receiver still does not answer')
  }

  #forget(name: string, origin: Origin): void {
    this.#origins.delete(name)
    origin.forget()
    origin.host.origins -= 1
    if (origin.host.origins === 0) this.#hosts.delete(new URL(name).hostname)
    if (!origin.breakerOpen) return
    this.#breakersOpen -= 1
    this.#options.log.info(
      { origin: name },
      'a receiver that did not answer is forgotten: no timers came for it',
    )
  }

  #forgetIdle(): void {
    const now = Date.now()
    for (const [name, origin] of this.#origins) {
      const after = origin.healthy(now) ? FORGET_HEALTHY_AFTER_MS : FORGET_AFTER_MS
      if (origin.idleMs(now) >= after) this.#forget(name, origin)
    }
  }

  /** A tenth at a time, because it looks at all of them; first those that are not known to be healthy. */
  #makeRoom(): void {
    const now = Date.now()
    for (const sparesHealthy of [true, false]) {
      for (const [name, origin] of this.#origins) {
        if (this.#origins.size <= 0.9 * MOST_ORIGINS) return
        if (origin.idleMs(now) > 0 && !(sparesHealthy && origin.healthy(now))) this.#forget(name, origin)
      }
    }
  }
}
