import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import { type AttemptResult, literalAddress } from '@timers/core'
import type { Request, Response } from 'got'
import { ADDRESS_BLOCKED } from './address-guard.ts'
import type { Connections } from './connections.ts'
import { failureReason, type Phase, timeoutReason } from './failure-reason.ts'
import { retryAfterMs } from './retry-after.ts'

/** Most of an answer that is read; the rest is cut off. Nobody looks at it: it is read to reuse the connection. */
const MAX_RESPONSE_BYTES = 64 * 1_024
/** How long an answer's body may take once its head has told the outcome, in milliseconds. */
const BODY_TIMEOUT_MS = 2_000
/** Most interim answers (1xx) before the answer itself. */
const MAX_INTERIM_ANSWERS = 20
/** Most time for a phase, in milliseconds; the answer may take what is left of the whole. */
const PHASE_TIMEOUT_MS = { lookup: 5_000, connect: 10_000, handshake: 5_000 } as const

/** The answer's head: with it the outcome is known, whatever becomes of the rest. */
interface Answer {
  readonly status: number
  readonly retryAfterMs: number | undefined
}

export interface AttemptOptions {
  readonly connections: Connections
  /** For the whole, in milliseconds. */
  readonly timeoutMs: number
  /** Asked right before the first byte could leave: where it says no, none does. */
  readonly mayLeave: () => boolean
}

/** What became of a request that was held back because its claim may be another worker's by now. */
export function tooOld(now: number): AttemptResult {
  return { outcome: 'never_sent', sentAt: now, reason: 'the claim grew too old' }
}

/**
 * Watches one request of got from its start to its outcome, and then lets nothing of it live on.
 *
 * # The outcome
 * - The answer's head arrived: its status is the outcome.
 * - The address was refused by the guard: `blocked`.
 * - The request never had a connection that could carry a byte: `never_sent`. Error codes do not tell (ECONNRESET is
 *   on both sides); `Connections.readyAt` does. A connection that is used again could carry bytes from the start.
 *   So it is, too, where `mayLeave` said no as its connection became ready, or as it was given one that was.
 * - Everything else is `ambiguous`. None of this would hold for HTTP/2.
 *
 * The time-outs are kept here, by one timer, and not by got: got starts its look-up timer for IPv6 literals too, which
 * are never looked up, so that it fires in the middle of a slow answer; and it ends nothing after a 101.
 */
export function watchAttempt(request: Request, url: URL, options: AttemptOptions): Promise<AttemptResult> {
  return new Promise((resolve) => new Attempt(request, url, options, resolve))
}

class Attempt {
  readonly #request: Request
  readonly #url: URL
  readonly #connections: Connections
  readonly #resolve: (result: AttemptResult) => void
  readonly #startedAt = Date.now()
  /** By the monotonic clock, in milliseconds. */
  readonly #deadline: number
  #timer: NodeJS.Timeout | undefined
  #phase: Phase = 'connect'
  #socket: Socket | undefined
  #socketAt = 0
  #answer: Answer | undefined
  #bodyBytes = 0
  #interimAnswers = 0
  #settled = false
  readonly #mayLeave: () => boolean

  constructor(request: Request, url: URL, options: AttemptOptions, resolve: (result: AttemptResult) => void) {
    this.#request = request
    this.#url = url
    this.#connections = options.connections
    this.#mayLeave = options.mayLeave
    this.#resolve = resolve
    this.#deadline = performance.now() + options.timeoutMs
    this.#enter('connect')
    request.once('request', (native: ClientRequest) => {
      // got listens once; a second error of the same request would end the process.
      native.on('error', () => {})
    })
    request.once('socket', (socket: Socket) => this.#onSocket(socket))
    request.on('information', () => this.#onInterimAnswer())
    request.once('upgrade', (response: Response, socket: Socket) => {
      this.#onAnswer(response)
      socket.destroy()
      this.#cut()
    })
    request.once('response', (response: Response) => {
      this.#onAnswer(response)
      this.#arm(BODY_TIMEOUT_MS)
    })
    request.on('data', (chunk: Buffer) => {
      this.#bodyBytes += chunk.length
      if (this.#bodyBytes > MAX_RESPONSE_BYTES) this.#cut()
    })
    request.once('end', () => this.#settle())
    // Stays on: got may report more than once, and also what `destroy` causes.
    request.on('error', (error: Error & { code?: string }) => this.#settle(error))
    request.once('close', () => this.#settle())
  }

  #onSocket(socket: Socket): void {
    this.#socket = socket
    this.#socketAt = Date.now()
    if (this.#connections.readyAt(socket) === undefined) this.#followConnecting(socket)
    else if (this.#maySend(socket)) this.#enter('answer')
  }

  /**
   * Asked of the request that is about to be written, in the same step: Node writes when the listeners of 'socket' have
   * returned, or those of the event by which the connection becomes ready, of which this must be the first. What has
   * been told already as never sent must not leave either.
   */
  #maySend(socket: Socket): boolean {
    if (!this.#settled && this.#mayLeave()) return true
    socket.destroy()
    if (!this.#settled) this.#conclude(tooOld(this.#startedAt))
    this.#request.destroy()
    return false
  }

  #followConnecting(socket: Socket): void {
    const secure = this.#url.protocol === 'https:'
    const named = literalAddress(this.#url) === undefined
    socket.prependOnceListener(secure ? 'secureConnect' : 'connect', () => this.#maySend(socket))
    if (socket.connecting) {
      this.#enter(named ? 'lookup' : 'connect')
      if (named) socket.once('lookup', (error: Error | null) => error === null && this.#enter('connect'))
      socket.once('connect', () => this.#enter(secure ? 'handshake' : 'answer'))
    } else {
      this.#enter('handshake')
    }
    if (secure) socket.once('secureConnect', () => this.#enter('answer'))
  }

  #onInterimAnswer(): void {
    this.#interimAnswers += 1
    if (this.#interimAnswers > MAX_INTERIM_ANSWERS) this.#cut('answer is not HTTP')
  }

  #onAnswer({ statusCode, headers }: Response): void {
    this.#answer = {
      status: statusCode,
      retryAfterMs: isSuccess(statusCode) ? undefined : retryAfterMs(headers['retry-after'], Date.now()),
    }
  }

  #enter(phase: Phase): void {
    this.#phase = phase
    this.#arm(phase === 'answer' ? Number.POSITIVE_INFINITY : PHASE_TIMEOUT_MS[phase])
  }

  /** Allows this long from now, and never more than is left of the whole. */
  #arm(timeoutMs: number): void {
    if (this.#settled) return
    clearTimeout(this.#timer)
    const leftMs = Math.max(0, this.#deadline - performance.now())
    this.#timer = setTimeout(() => this.#timedOut(), Math.min(timeoutMs, leftMs))
  }

  /**
   * A process that stood still (SIGSTOP, a machine that was paused) finds its timers run out before it reads what has
   * arrived meanwhile. So it reads first: an answer that is there is the outcome, not the time-out.
   */
  #timedOut(): void {
    const reason = timeoutReason(this.#phase)
    if (this.#phase !== 'answer' || this.#answer !== undefined) {
      this.#cut(reason)
      return
    }
    setImmediate(() => {
      if (this.#answer === undefined && !this.#settled) this.#cut(reason)
    })
  }

  /** Ends it here, with the connection. */
  #cut(reason?: string): void {
    this.#finish(reason)
    this.#request.destroy()
  }

  #settle(error?: Error & { readonly code?: string }): void {
    if (error?.code === ADDRESS_BLOCKED) {
      this.#finish(failureReason(error), true)
    } else {
      this.#finish(this.#answer === undefined ? failureReason(error) : undefined)
    }
  }

  #finish(reason: string | undefined, blocked = false): void {
    if (!this.#settled) this.#conclude(this.#result(reason, blocked))
  }

  #conclude(result: AttemptResult): void {
    this.#settled = true
    clearTimeout(this.#timer)
    this.#resolve(result)
  }

  #result(reason = 'connection failed', blocked: boolean): AttemptResult {
    const answer = this.#answer
    const leftAt = this.#leftAt()
    if (answer === undefined && leftAt === undefined) {
      return { outcome: blocked ? 'blocked' : 'never_sent', sentAt: this.#startedAt, reason }
    }
    const sentAt = leftAt ?? this.#startedAt
    const times = {
      sentAt,
      connectMs: Math.max(0, sentAt - this.#startedAt),
      responseMs: Math.max(0, Date.now() - sentAt),
    }
    if (answer === undefined) return { outcome: 'ambiguous', reason, ...times }
    return {
      outcome: isSuccess(answer.status) ? 'delivered' : 'rejected',
      responseStatus: answer.status,
      ...times,
      ...(answer.retryAfterMs === undefined ? {} : { retryAfterMs: answer.retryAfterMs }),
    }
  }

  /** When the request left; undefined where it provably never did. */
  #leftAt(): number | undefined {
    if (this.#socket === undefined) return undefined
    const readyAt = this.#connections.readyAt(this.#socket)
    return readyAt === undefined ? undefined : Math.max(readyAt, this.#socketAt)
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}
