import { setTimeout as sleep } from 'node:timers/promises'
import type { Command, Redis } from 'ioredis'

/** Longest time for which the connection is stopped to wait for replicas, and the pause until the next look; milliseconds. */
const LOOK_MS = 20
const PAUSE_MS = 10

/** How many replicas must have a write before it counts. */
export interface AckRule {
  /** At least 1. */
  readonly replicas: number
  /** Longest wait for them, in milliseconds. */
  readonly withinMs: number
  /** Whether the server can say that a write is on disk, here and there (`WAITAOF`, Redis 7.2). */
  readonly onDisk: () => boolean
}

/**
 * A write was carried out, and not enough replicas have confirmed it in time: a failover may forget it. The same command may
 * be sent again.
 */
export class NotConfirmedError extends Error {
  override readonly name = 'NotConfirmedError'
  /** What the command has answered. */
  readonly answer: unknown

  constructor(answer: unknown, why: string) {
    super(`NOTCONFIRMED ${why}`)
    this.answer = answer
  }
}

/** A command that was sent, and is to be confirmed. */
interface Sent {
  /** Number of the connection over which it was sent. */
  readonly connection: number
  readonly deadline: number
  /** Resolves with why it is not confirmed, or undefined where it is. */
  readonly told: (why: string | undefined) => void
}

/**
 * Holds back what the commands of a connection answer until enough replicas have what was written.
 *
 * Redis counts for each connection how much of the replication stream its last command, of whatever kind, may rely on;
 * `WAIT` says how many replicas have that much. So it tells something of a write only over the very connection that carried it:
 * after a reconnection it would be asked of a connection, and maybe of a server, that has never seen the write, and would say
 * yes at once (../shared/cluster-facts.md, 1).
 *
 * One `WAIT` at the end of a turn of the event loop speaks for all commands that were sent before it, and there is one at
 * a time. It stops the connection for a moment only: whatever else that is for must not wait for replicas that are away.
 */
export class Acks {
  readonly #redis: Redis
  readonly #rule: AckRule
  #connection = 0
  /** In the order in which they were sent. */
  #sent: Sent[] = []
  #asking = false

  /** @param which commands are to be confirmed */
  constructor(redis: Redis, rule: AckRule, which: (command: Command) => boolean) {
    this.#redis = redis
    this.#rule = rule
    const send = redis.sendCommand.bind(redis)
    redis.on('close', () => {
      this.#connection += 1
    })
    redis.sendCommand = (command, stream) => {
      if (which(command)) this.#hold(command)
      return send(command, stream)
    }
  }

  #hold(command: Command): void {
    const confirmation = new Promise<string | undefined>((told) => {
      const deadline = performance.now() + this.#rule.withinMs
      this.#sent.push({ connection: this.#connection, deadline, told })
    })
    const { resolve } = command
    command.resolve = (answer) => {
      void confirmation.then((why) => {
        if (why === undefined) resolve.call(command, answer)
        else command.reject(new NotConfirmedError(command.transformReply(answer as never), why))
      })
    }
    if (!this.#asking) void this.#ask()
  }

  async #ask(): Promise<void> {
    this.#asking = true
    while (this.#sent.length > 0) {
      // Before the held-back commands are released, which is done in a callback of the same kind (hold-back.ts).
      await new Promise<void>((resolve) => setImmediate(resolve))
      const [sent, connection] = [this.#sent, this.#connection]
      this.#sent = []
      const replicas = await this.#count()
      const left = sent.filter((each) => !this.#tell(each, connection, replicas))
      this.#sent = [...left, ...this.#sent]
      if (left.length > 0) await sleep(PAUSE_MS)
    }
    this.#asking = false
  }

  /** Whether all is said of it. */
  #tell({ connection, deadline, told }: Sent, askedOver: number, replicas: number | Error): boolean {
    if (connection !== askedOver || connection !== this.#connection) {
      told('the connection was lost before the replicas answered')
    } else if (typeof replicas === 'number' && replicas >= this.#rule.replicas) {
      told(undefined)
    } else if (performance.now() >= deadline) {
      told(
        typeof replicas === 'number'
          ? `${replicas} of ${this.#rule.replicas} replicas have it`
          : `the replicas could not be asked: ${replicas.message}`,
      )
    } else {
      return false
    }
    return true
  }

  /** How many replicas have what was sent so far. */
  async #count(): Promise<number | Error> {
    const { replicas, onDisk } = this.#rule
    try {
      if (!onDisk()) return await this.#redis.wait(replicas, LOOK_MS)
      const [here, there] = (await this.#redis.call('WAITAOF', 1, replicas, LOOK_MS)) as [number, number]
      return here < 1 ? 0 : there
    } catch (error) {
      return error as Error
    }
  }
}
