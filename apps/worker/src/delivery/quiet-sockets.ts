import type { Agent } from 'node:http'
import type { Socket } from 'node:net'
import { AnswerEnd } from './answer-end.ts'

/**
 * How long a socket must have been silent after an answer before it may carry another request, in milliseconds. What a
 * confused receiver says twice it says at once, or a few milliseconds later.
 */
const QUIET_MS = 20

/**
 * Keeps sockets out of an agent's pool on which bytes arrived that nobody asked for: they would be taken for the answer
 * to the next request.
 *
 * A socket comes into the pool when nothing followed the answer, neither with it nor for `quietMs`; it leaves the pool
 * with the first byte that arrives while it is idle. What cannot be told apart is an extra answer that arrives when the
 * next request has been written.
 */
export class QuietSockets {
  readonly #quietMs: number
  readonly #sockets = new WeakMap<Socket, WatchedSocket>()
  #look: Promise<void> | undefined

  constructor(quietMs = QUIET_MS) {
    this.#quietMs = quietMs
  }

  /** Watches a connection that is new, and about to carry its first request. */
  watch(socket: Socket): void {
    this.#sockets.set(socket, new WatchedSocket(socket))
  }

  /** A socket of the pool is about to carry another request. */
  reused(socket: Socket): void {
    this.#sockets.get(socket)?.expectAnswer()
  }

  /**
   * Lets the event loop look at all sockets once more, so that what has arrived on idle ones is seen before one of them
   * is used. Two turns, because the first may be the rest of the present one, whose look is over. Shared by all that
   * ask in the same turn.
   */
  look(): Promise<void> {
    this.#look ??= new Promise((resolve) =>
      setImmediate(() => {
        this.#look = undefined
        setImmediate(resolve)
      }),
    )
    return this.#look
  }

  /** Stands between the end of an answer and the agent's pool. */
  guard(agent: Agent): void {
    const [pool] = agent.listeners('free') as ((socket: Socket, options: unknown) => void)[]
    if (pool === undefined) throw new Error('an agent of this version of Node keeps no sockets')
    agent.removeAllListeners('free')
    agent.on('free', (socket: Socket, options: unknown) => {
      this.#sockets.get(socket)?.rest(this.#quietMs, () => pool.call(agent, socket, options))
    })
  }
}

class WatchedSocket {
  readonly #socket: Socket
  /** Undefined while it is idle. */
  #answer: AnswerEnd | undefined
  #readBefore = 0

  constructor(socket: Socket) {
    this.#socket = socket
    this.expectAnswer()
    // First of all listeners, and for all of its life. Node takes its own away between two requests.
    socket.on('data', (chunk: Buffer) => {
      if (this.#answer === undefined) this.#discard()
      else this.#answer.push(chunk)
    })
    // An error between two requests is nobody's, and would end the process.
    socket.on('error', () => {})
  }

  expectAnswer(): void {
    this.#answer = new AnswerEnd()
    this.#readBefore = this.#socket.bytesRead
  }

  /** Calls back when it has been quiet for long enough, if it ever is. */
  rest(quietMs: number, quiet: () => void): void {
    const answer = this.#answer
    this.#answer = undefined
    if (answer === undefined || !answer.isExactly(this.#socket.bytesRead - this.#readBefore)) {
      this.#discard()
      return
    }
    const pool = (): void => {
      if (!this.#socket.destroyed) quiet()
    }
    // After a look at the sockets: a process that stood still has not read what came meanwhile.
    if (quietMs === 0) setImmediate(pool)
    else setTimeout(() => setImmediate(pool), quietMs)
  }

  #discard(): void {
    this.#socket.destroy()
    // Out of the pool now, and not when it has closed: until then a request could still be given it.
    this.#socket.emit('agentRemove')
  }
}
