import { type Child, startChild } from './child.ts'

/** Requests by autocannon, as many as `connections` at a time. */
export interface ClosedLoop {
  readonly url: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Taken in turn. */
  readonly paths: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Every request is another one: `{n}` in path, headers and body stands for the numbers from here on. */
  readonly numbersFrom?: number
  readonly connections: number
  readonly stop: { readonly amount: number } | { readonly seconds: number }
}

export interface ClosedLoopResult {
  readonly answered: number
  readonly perSecond: number
}

/** Numbers that requests with `numbersFrom` may leave out, for each connection. */
export const NUMBERS_LEFT_OUT = 2

/** Requests by the clock. */
export interface OpenLoop {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly paths: readonly string[]
  readonly body?: string
  readonly perSecond: number
  readonly durationMs: number
  /** Epoch milliseconds; default: now. */
  readonly startAt?: number
}

/** One entry a request, in the order of sending. */
export interface OpenLoopResult {
  /** From the time at which it was to be sent until the end of the answer. */
  readonly latencyMs: Float64Array
  /** Of the timer in the answer, with its due time in epoch milliseconds. */
  readonly ids: Float64Array
  readonly dueAt: Float64Array
}

/** As many as the goals name. */
export const CONNECTIONS = 64

/** A load generator in a process of its own. */
export class LoadGenerator {
  readonly #closed: Child = startChild('closed-loop')
  readonly #open: Child = startChild('open-loop')

  /** Whose processor time is the bench's own. */
  get pids(): readonly number[] {
    return [this.#closed.pid, this.#open.pid]
  }

  closedLoop(load: ClosedLoop): Promise<ClosedLoopResult> {
    return this.#closed.ask('run', load)
  }

  openLoop(load: OpenLoop): Promise<OpenLoopResult> {
    return this.#open.ask('run', load)
  }

  /** `POST /timers` of timers of so many seconds, over 64 connections if nothing else is said. */
  create(
    apiUrl: string,
    url: string,
    seconds: number,
    stop: ClosedLoop['stop'],
    connections = CONNECTIONS,
  ): Promise<ClosedLoopResult> {
    const body = JSON.stringify({ seconds, url })
    return this.closedLoop({
      url: apiUrl,
      method: 'POST',
      paths: ['/timers'],
      body,
      connections,
      stop,
    })
  }

  async stop(): Promise<void> {
    await Promise.all([this.#closed.stop(), this.#open.stop()])
  }
}
