import type { Command, Redis } from 'ioredis'

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

/**
 * Holds back what the commands of a connection answer until enough replicas have what was written.
 *
 * Redis counts for each connection how much of the replication stream its last command, of whatever kind, may rely on;
 * `WAIT` says how many replicas have that much. So it tells something of a write only over the very connection that carried it:
 * after a reconnection it would be asked of a connection, and maybe of a server, that has never seen the write, and would say
 * yes at once (../shared/cluster-facts.md, 1). One `WAIT` at the end of a turn of the event loop speaks for all commands
 * that were sent before it.
 */
export class Acks {
  readonly #redis: Redis
  readonly #rule: AckRule
  readonly #send: Redis['sendCommand']
  #connection = 0
  /** The wait that will be sent at the end of this turn. */
  #next: Promise<Confirmation> | undefined

  /** @param which commands are to be confirmed */
  constructor(redis: Redis, rule: AckRule, which: (command: Command) => boolean) {
    this.#redis = redis
    this.#rule = rule
    this.#send = redis.sendCommand.bind(redis)
    redis.on('close', () => {
      this.#connection += 1
      this.#next = undefined
    })
    redis.sendCommand = (command, stream) => {
      if (which(command)) this.#confirm(command)
      return this.#send(command, stream)
    }
  }

  #confirm(command: Command): void {
    const answered = command.resolve
    const sentOver = this.#connection
    const confirmation = this.#waitAtTheEndOfTheTurn()
    command.resolve = (answer) => {
      confirmation.then(
        ({ replicas, connection }) => {
          if (connection !== sentOver || connection !== this.#connection) {
            refuse('the connection was lost before the replicas answered')
          } else if (replicas >= this.#rule.replicas) answered.call(command, answer)
          else refuse(`${replicas} of ${this.#rule.replicas} replicas have confirmed it`)
        },
        (error) => refuse(error instanceof Error ? error.message : 'the replicas could not be asked'),
      )
      const refuse = (why: string) => command.reject(new NotConfirmedError(answer, why))
    }
  }

  #waitAtTheEndOfTheTurn(): Promise<Confirmation> {
    if (this.#next === undefined) {
      // Before the held-back commands are released, which is done in a callback of the same kind (hold-back.ts).
      this.#next = new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#wait())
      // Nobody looks at it where all the commands have failed.
      this.#next.catch(() => {})
    }
    return this.#next
  }

  async #wait(): Promise<Confirmation> {
    this.#next = undefined
    const connection = this.#connection
    const { replicas, withinMs, onDisk } = this.#rule
    if (!onDisk()) return { replicas: Number(await this.#redis.wait(replicas, withinMs)), connection }
    const [here, there] = (await this.#redis.call('WAITAOF', 1, replicas, withinMs)) as [number, number]
    return { replicas: here < 1 ? 0 : there, connection }
  }
}

interface Confirmation {
  readonly replicas: number
  /** Number of the connection over which it was asked. */
  readonly connection: number
}
