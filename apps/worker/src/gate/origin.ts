import type { Admission, HeldBy } from '@timers/core'
import { AnswerTimes } from './answer-times.ts'
import { type BreakerChange, CircuitBreaker } from './circuit-breaker.ts'
import type { Crowd } from './crowd.ts'
import type { Host } from './host.ts'
import { type Line, Lines, lineOf } from './lines.ts'
import type { Lobby } from './lobby.ts'
import type { Newcomers, Standing } from './newcomers.ts'
import { type RecallRoom, Recalls } from './recalls.ts'

/** A wait that is expected to be shorter than this is spent in hand: going back to Redis would take as long. */
const PARK_MS = 100
/** How often those in hand are looked at again, in milliseconds. */
const REVIEW_MS = 25
/** An origin that answers within this long, on the average, is known to be healthy, in milliseconds. */
const QUICK_MS = 1_000
/** With so many in a row without an answer it is not. */
const FAILURES_TO_DOUBT = 3
/** So many requests that hang do not make it slow, where its cap is more than twice that. */
const HANGING_PASSED_OVER = 20
/** With a quick answer so many are called back, of an origin that is not known to be healthy again. */
const CALLED_BY_ONE = 2

/** What an origin shares with others, and tells. */
export interface OriginDeps {
  readonly maxPerOrigin: number
  readonly host: Host
  readonly newcomers: Newcomers
  readonly lobby: Lobby
  readonly crowd: Crowd
  readonly recallRoom: RecallRoom
  /** For numbers of passes, each once in this process. */
  readonly nextPass: () => number
  readonly onBreaker: (change: BreakerChange) => void
}

/** A timer that wants to pass. */
interface Visitor {
  /** Epoch ms. */
  readonly dueAt: number
  readonly line: Line
}

/** How a timer is put off. */
interface Plan {
  readonly until: number
  readonly heldBy: HeldBy
  /** How far apart the turns are, in milliseconds. */
  readonly intervalMs: number
}

interface Parked extends Visitor {
  readonly admit: (admission: Admission | Promise<Admission>) => void
}

/**
 * One origin (scheme, host, port): its breaker, its cap, and whether it is known to be healthy.
 *
 * A healthy one is bound by its cap alone. One that is new, slow or silent shares places with the others of its host
 * (`Host`) and with all such ones of this process (`Newcomers`). What exceeds the cap, or the host's places, is parked in
 * hand for a moment, where answers come so quickly that its turn comes at once. All else is deferred, in two lines: what
 * is due now does not stand behind a backlog (`Lines`).
 */
export class Origin {
  readonly #deps: OriginDeps
  readonly #breaker = new CircuitBreaker()
  readonly #times = new AnswerTimes()
  readonly #lines: Lines
  readonly #parked: Parked[] = []
  readonly #recalls: Recalls
  #sentOnce = false
  #answeredOnce = false
  /** Where its first request is: in the lobby now, or sent back from there in vain. */
  #inLobby = false
  #wasInLobby = false
  /** Whether it was deferred among the newcomers. */
  #returning = false
  #review: NodeJS.Timeout | undefined
  #lastUsed = 0

  constructor(deps: OriginDeps) {
    this.#deps = deps
    this.#lines = new Lines(deps.maxPerOrigin)
    this.#recalls = new Recalls(deps.recallRoom)
    deps.host.origins += 1
  }

  get host(): Host {
    return this.#deps.host
  }

  get breakerOpen(): boolean {
    return this.#breaker.open
  }

  /** Whether it answers, quickly, as far as is known at `now`. */
  healthy(now: number): boolean {
    const { meanMs } = this.#times
    return (
      this.#answeredOnce &&
      meanMs !== undefined &&
      meanMs <= QUICK_MS &&
      this.#breaker.failures < FAILURES_TO_DOUBT &&
      this.#times.olderThan(QUICK_MS, now) <= this.#deps.maxPerOrigin / 2
    )
  }

  enter(now: number, dueAt: number): Admission | Promise<Admission> {
    this.#lastUsed = now
    this.#recalls.came()
    const visitor = { dueAt, line: lineOf(now - dueAt) }
    const held = this.#breaker.heldUntil(now)
    if (held !== undefined) return this.#deferDown(visitor, now, held)
    const healthy = this.healthy(now)
    if (this.#parked.some(({ line }) => line === visitor.line) || !this.#hasPlace(visitor, healthy, now)) {
      if (this.#expectedWaitMs(1, now) <= PARK_MS) return this.#park(visitor)
      return this.#waitInLobby(visitor, now, () => this.#defer(visitor, Date.now()))
    }
    return this.#admit(visitor, now, healthy)
  }

  /** Defers whoever is parked, and calls nobody back any more. */
  close(): void {
    this.#deferParked(Date.now())
    this.forget()
  }

  /** Forgets those that wait: they come when their turns are. */
  forget(): void {
    this.#recalls.forget()
  }

  /** For how long nothing has happened here, in milliseconds; 0 while somebody is in flight or parked, or the breaker's time runs. */
  idleMs(now: number): number {
    const used =
      this.#lines.inFlight > 0 ||
      this.#parked.length > 0 ||
      this.#inLobby ||
      (this.#breaker.heldUntil(now) ?? 0) > now
    return used ? 0 : now - this.#lastUsed
  }

  #hasPlace({ line }: Visitor, healthy: boolean, now: number): boolean {
    return this.#lines.mayEnter(line, now) && (healthy || this.#deps.host.mayEnter(now, this.#isNew))
  }

  /** Whether nobody has been asked here yet, and this is the first time that one comes to be sent. */
  get #isNew(): boolean {
    return !this.#sentOnce && !this.#wasInLobby && this.#lines.inFlight === 0
  }

  get #standing(): Standing {
    if (this.#isNew) return 'first'
    return this.#returning ? 'returning' : 'other'
  }

  #admit(visitor: Visitor, now: number, healthy: boolean): Admission | Promise<Admission> {
    if (healthy || this.#deps.newcomers.mayEnter(now, this.#standing)) {
      return this.#pass(visitor, now, healthy)
    }
    return this.#waitInLobby(visitor, now, () => this.#deferNewcomer(visitor, Date.now()))
  }

  /** The first request to an origin that was never asked waits in hand for a moment. All others go back at once. */
  #waitInLobby(visitor: Visitor, now: number, giveUp: () => Admission): Admission | Promise<Admission> {
    if (this.#inLobby || !this.#isNew) return giveUp()
    this.#inLobby = true
    return this.#deps.lobby.wait(
      {
        enter: (later) => {
          const healthy = this.healthy(later)
          if (!this.#hasPlace(visitor, healthy, later)) return undefined
          if (!healthy && !this.#deps.newcomers.mayEnter(later, this.#standing)) return undefined
          this.#inLobby = false
          return this.#pass(visitor, later, healthy)
        },
        giveUp: () => {
          this.#inLobby = false
          this.#wasInLobby = true
          return giveUp()
        },
      },
      now,
    )
  }

  #deferNewcomer(visitor: Visitor, now: number): Admission {
    this.#returning = true
    const until = this.#deps.newcomers.turn(now, now - visitor.dueAt)
    return this.#deferral(visitor, { until, heldBy: 'receiver_limit', intervalMs: Number.POSITIVE_INFINITY })
  }

  #pass({ line }: Visitor, now: number, healthy: boolean): Admission {
    const { host, newcomers, nextPass } = this.#deps
    const standing = this.#standing
    const pass = nextPass()
    this.#lines.enter(line)
    this.#breaker.begin(pass)
    if (!healthy) {
      host.enter(pass, now)
      newcomers.enter(pass, now, standing)
    }
    let left = false
    return {
      kind: 'go',
      sending: () => {
        const sentAt = Date.now()
        this.#sentOnce = true
        this.#times.begin(pass, sentAt)
        if (!healthy) host.sending(pass, sentAt)
      },
      leave: (answered) => {
        if (left) return
        left = true
        this.#lines.leave(line)
        const end = Date.now()
        if (!healthy) {
          host.leave(pass, answered, end)
          newcomers.leave(pass, now, end)
        }
        this.#leave(pass, answered, end)
      },
    }
  }

  #leave(pass: number, answered: boolean | undefined, now: number): void {
    this.#lastUsed = now
    const tookMs = this.#times.end(pass, now)
    if (answered === undefined || tookMs === undefined) this.#breaker.cancel(pass)
    else {
      this.#answeredOnce ||= answered
      const change = this.#breaker.tell(pass, answered, now)
      if (change !== undefined) this.#deps.onBreaker(change)
    }
    this.#admitParked(now)
    if (answered && tookMs !== undefined && tookMs <= QUICK_MS) this.#callBack(now)
  }

  /**
   * After a quick answer: brings back those whose turns were planned when it was slow or silent, as many as there is a place
   * for. So each of them is paid for with an answer, also where a receiver is quick and slow in turn.
   */
  #callBack(now: number): void {
    if (this.#recalls.size === 0) return
    const { maxPerOrigin } = this.#deps
    const placeMs = this.#placeMs(now)
    const intervalMs = placeMs / maxPerOrigin
    // While they are on their way, as many again may wait in hand for those that are quick.
    const places = placeMs < PARK_MS ? 2 * maxPerOrigin : maxPerOrigin
    const free = places - this.#lines.inFlight - this.#parked.length
    const healthy = this.healthy(now)
    const called = this.#recalls.call(healthy ? free : Math.min(CALLED_BY_ONE, free), intervalMs, now)
    if (healthy && called > 0) this.#lines.hurry(now + this.#recalls.size * intervalMs)
  }

  #admitParked(now: number): void {
    const healthy = this.healthy(now)
    for (;;) {
      const next = this.#parked.findIndex((one) => this.#hasPlace(one, healthy, now))
      const [visitor] = next < 0 ? [] : this.#parked.splice(next, 1)
      if (visitor === undefined) break
      const held = this.#breaker.heldUntil(now)
      this.#deps.host.parked -= 1
      visitor.admit(
        held === undefined ? this.#admit(visitor, now, healthy) : this.#deferDown(visitor, now, held),
      )
    }
    if (this.#parked.length === 0) this.#stopReview()
  }

  #park(visitor: Visitor): Promise<Admission> {
    return new Promise((admit) => {
      this.#parked.push({ ...visitor, admit })
      this.#deps.host.parked += 1
      this.#review ??= setInterval(() => this.#reviewParked(), REVIEW_MS)
    })
  }

  /** Also for places of the host that others gave back. */
  #reviewParked(): void {
    const now = Date.now()
    this.#admitParked(now)
    if (this.#expectedWaitMs(0, now) > PARK_MS) this.#deferParked(now)
  }

  #deferParked(now: number): void {
    this.#deps.host.parked -= this.#parked.length
    for (const visitor of this.#parked.splice(0)) visitor.admit(this.#defer(visitor, now))
    this.#stopReview()
  }

  #stopReview(): void {
    clearInterval(this.#review)
    this.#review = undefined
  }

  /** How long the last of those parked would wait, and `more` behind it, as far as can be told. */
  #expectedWaitMs(more: number, now: number): number {
    const { host, maxPerOrigin } = this.#deps
    const own = (this.#placeMs(now) * (this.#parked.length + more)) / maxPerOrigin
    return this.healthy(now) ? own : Math.max(own, host.expectedWaitMs(host.parked + more, now))
  }

  #defer(visitor: Visitor, now: number): Admission {
    const heldBy = 'receiver_limit'
    if (this.healthy(now) || !this.#lines.mayEnter(visitor.line, now)) {
      return this.#deferral(visitor, { ...this.#turn(visitor, now), heldBy })
    }
    const until = this.#deps.host.turn(now, now - visitor.dueAt)
    return this.#deferral(visitor, { until, heldBy, intervalMs: Number.POSITIVE_INFINITY })
  }

  /** One comes as the probe when the time is up, the others one after the other behind it. */
  #deferDown(visitor: Visitor, now: number, held: number): Admission {
    return this.#deferral(visitor, { ...this.#turn(visitor, now, held), heldBy: 'receiver_down' })
  }

  #turn({ line, dueAt }: Visitor, now: number, notBefore = now): { until: number; intervalMs: number } {
    const spacingMs = this.#deps.crowd.spacingMs(this, now)
    const placeMs = this.#placeMs(now)
    const wish = { notBefore, lateMs: now - dueAt, spacingMs }
    return {
      until: this.#lines.turn(line, now, placeMs, wish),
      intervalMs: Math.max(placeMs / this.#deps.maxPerOrigin, spacingMs),
    }
  }

  #deferral({ dueAt }: Visitor, { until, heldBy, intervalMs }: Plan): Admission {
    const gaveBack = (recall: (at: number) => void) => {
      this.#recalls.add({ dueAt, until, intervalMs, recall }, Date.now())
    }
    return { kind: 'defer', until, heldBy, gaveBack }
  }

  /** For how long a request takes one of the places. */
  #placeMs(now: number): number {
    return this.#times.expectedMs(now, Math.min(this.#deps.maxPerOrigin >> 1, HANGING_PASSED_OVER))
  }
}
