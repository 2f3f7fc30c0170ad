import { setTimeout as sleep } from 'node:timers/promises'
import type {
  AttemptResult,
  Claim,
  Decision,
  DueTimer,
  HeldBy,
  Log,
  Peek,
  Settled,
  Timer,
  Turn,
} from '@timers/core'
import { errorFields } from '../nodes/error-fields.ts'
import { freshNonce } from './nonce.ts'
import { storeErrorKind } from './store-error.ts'
import { expiresAtOf, type TimerHash, toTimer } from './stored-timer.ts'
import type { ClaimAnswer, NextFetch, TimerCommands } from './timer-commands.ts'

/** Pause between tries while Redis is there but refuses (out of memory, disk error, loading), in milliseconds. */
const REFUSED_PAUSE_MS = 250
/** Pause until a claim is asked for again that too few replicas have confirmed, in milliseconds. */
const UNCONFIRMED_PAUSE_MS = 50
/** How often it is said that Redis still refuses, in milliseconds. */
const SAY_AGAIN_MS = 10_000
/** What of the lock's time is not used, in milliseconds: from the last look at the clock to the bytes on their way. */
const LOCK_MARGIN_MS = 100

export interface Taken {
  readonly id: number
  readonly hash: TimerHash
  /** With which this worker holds the lock. */
  readonly token: string
}

/** Moments in the life of a timer in hand, for whoever shares hands out. */
export interface Moments {
  /** Its request is about to leave. */
  readonly sending: () => void
  /** The command that gives it back is about to be sent: how to fetch the next one in the same step, if one is wanted. */
  readonly leaving: () => NextFetch | undefined
  /** Whether all that is in hand is to be given back soon. */
  readonly ending: () => boolean
}

const NOBODY_ASKS: Moments = { sending() {}, leaving: () => undefined, ending: () => false }

/** A due timer in the hands of this worker: its data, the lock's token, and the commands around its attempts. */
export class RedisDueTimer implements DueTimer {
  readonly timer: Timer
  readonly takenOver: boolean
  readonly expiresAt: number | undefined
  readonly #commands: TimerCommands
  readonly #token: string
  readonly #version: string | undefined
  readonly #taking: string | undefined
  readonly #log: Log
  readonly #moments: Moments
  readonly #nonce = freshNonce()
  /** Attempt that this worker was granted; any other it may only declare interrupted. */
  #granted: number | undefined
  /** Up to when the lock is known to be held, by two clocks: one that no one can step, and one that a sleep does not stop. */
  #heldUntil: Clocks = { monotonic: 0, wall: 0 }

  constructor({ id, hash, token }: Taken, commands: TimerCommands, log: Log, moments = NOBODY_ASKS) {
    this.timer = toTimer(id, hash)
    this.takenOver = Number(hash.stc ?? 0) > 0
    this.expiresAt = expiresAtOf(this.timer, hash)
    this.#commands = commands
    this.#token = token
    this.#version = hash.vn
    this.#taking = hash.ats
    this.#log = log
    this.#moments = moments
  }

  async peek(): Promise<Peek> {
    const answer = await this.#persist('peek', () => this.#commands.claim(this.#holder, '', Date.now()))
    return answer.kind === 'granted' ? { kind: 'free' } : answer
  }

  /**
   * A grant that too few replicas have waits in hand until they have it, under a lock that is renewed: the same nonce finds
   * what was granted before. It holds up nobody else at its receiver meanwhile. Where this worker ends before it may be
   * sent, or the timer expires, it may not leave.
   */
  async claim(turn?: Turn): Promise<Claim> {
    let hasWaited = false
    let isItsTurn = true
    for (;;) {
      const answer = await this.#persist('claim', () => this.#askForClaim())
      if (answer.kind === 'free') return { kind: 'lost' }
      if (answer.kind !== 'granted') return answer
      const isConfirmed = answer.unconfirmed === undefined
      // The script has looked at that as it granted it, which may be long ago.
      const isLate = hasWaited && this.expiresAt !== undefined && Date.now() > this.expiresAt
      const isGood = isConfirmed && isItsTurn && !isLate
      if (isGood || isLate || this.#moments.ending()) {
        const { kind, attempt, plannedAt, budget } = answer
        this.#granted = attempt
        this.#moments.sending()
        return {
          kind,
          attempt,
          plannedAt,
          budget,
          unconfirmed: !isConfirmed,
          mayLeave: () => isGood && this.#holdsLock(),
        }
      }
      if (!isConfirmed) turn?.giveUp()
      hasWaited = true
      isItsTurn = isConfirmed && (turn === undefined || (await turn.again()))
      // That may have taken a while: what is left of the lock's time is asked for once more.
      if (!isItsTurn) await sleep(UNCONFIRMED_PAUSE_MS)
    }
  }

  async #askForClaim(): Promise<ClaimAnswer> {
    const askedAt = clocks()
    const answer = await this.#commands.claim(this.#holder, this.#nonce, Date.now())
    // The lock's time counts from before it was asked for: the answer may have been on its way for long.
    if (answer.kind === 'granted') this.#heldUntil = after(askedAt, answer.leftMs)
    return answer
  }

  /** The lock was renewed for `lockMs`, by a command that was sent at `askedAt`. */
  renewed(askedAt: Clocks, lockMs: number): void {
    const until = after(askedAt, lockMs)
    if (this.#granted !== undefined && until.monotonic > this.#heldUntil.monotonic) this.#heldUntil = until
  }

  async defer(until: number, heldBy?: HeldBy): Promise<void> {
    await this.#giveBack('defer', (next) =>
      this.#commands.defer(this.#holder, until, heldBy, this.timer.dueAt, next),
    )
  }

  recall(until: number, heldBy: HeldBy): (at: number) => void {
    const held = { id: this.timer.id, taking: this.#taking, until, heldBy }
    return recallOf(held, this.#commands, this.#log)
  }

  settle(attempt: number, result: AttemptResult, decision: Decision): Promise<Settled | undefined> {
    const nonce = attempt === this.#granted ? this.#nonce : ''
    return this.#giveBack('settle', (next) =>
      this.#commands.settle(this.#holder, { attempt, nonce, result, decision }, Date.now(), next),
    )
  }

  async rest(): Promise<void> {
    await this.#giveBack('rest', (next) => this.#commands.settle(this.#holder, undefined, Date.now(), next))
  }

  get #holder() {
    return { id: this.timer.id, token: this.#token, version: this.#version, taking: this.#taking }
  }

  #holdsLock(): boolean {
    const now = clocks()
    const { monotonic, wall } = this.#heldUntil
    return now.monotonic + LOCK_MARGIN_MS < monotonic && now.wall + LOCK_MARGIN_MS < wall
  }

  /** The next one is fetched with the first try only: what comes after a refusal is in no hurry. */
  #giveBack<T>(step: string, command: (next: NextFetch | undefined) => Promise<T>): Promise<T> {
    let next = this.#moments.leaving()
    return this.#persist(step, () => {
      const fetch = next
      next = undefined
      return command(fetch)
    })
  }

  /**
   * Tries until Redis takes it. Lost connections are waited out by the connection itself; a Redis that is there and
   * refuses for now is asked again. Whatever else it says is a defect, and trying again would not help.
   */
  async #persist<T>(step: string, call: () => Promise<T>): Promise<T> {
    let saidAt = Number.NEGATIVE_INFINITY
    for (let tries = 1; ; tries += 1) {
      try {
        return await call()
      } catch (error) {
        const kind = storeErrorKind(error)
        if (kind === 'closed' || kind === 'defect') throw error
        const { id: timerId, requestId: reqId } = this.timer
        const fields = { timerId, reqId, step, tries, ...errorFields(error) }
        const now = performance.now()
        if (now - saidAt >= SAY_AGAIN_MS) {
          if (kind === 'denied') this.#log.error(fields, 'redis does not let this worker in, trying on')
          else this.#log.warn(fields, 'redis refuses, trying on')
          saidAt = now
        }
        await sleep(REFUSED_PAUSE_MS)
      }
    }
  }
}

/** A timer that was given back: when it comes again, and which taking gave it back. */
interface Held {
  readonly id: number
  readonly taking: string | undefined
  readonly until: number
  readonly heldBy: HeldBy
}

/** Apart from the timer, so that its payload is not kept for as long as somebody may call it back. */
function recallOf(
  { id, taking, until, heldBy }: Held,
  commands: TimerCommands,
  log: Log,
): (at: number) => void {
  return (at) => {
    commands
      .recall({ id, taking }, heldBy, until, at)
      .catch((error: unknown) =>
        log.debug({ timerId: id, ...errorFields(error) }, 'not called back: it comes when its turn is'),
      )
  }
}

/** An instant by both clocks, in milliseconds. */
export interface Clocks {
  readonly monotonic: number
  readonly wall: number
}

export function clocks(): Clocks {
  return { monotonic: performance.now(), wall: Date.now() }
}

function after({ monotonic, wall }: Clocks, ms: number): Clocks {
  return { monotonic: monotonic + ms, wall: wall + ms }
}
