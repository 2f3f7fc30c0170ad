import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '@timers/core'
import type { Command, Redis } from 'ioredis'
import { AcksSaid } from './acks-said.ts'
import { errorFields } from './error-fields.ts'

/**
 * Longest times for which the connection is stopped to wait for replicas, in milliseconds: at first, and when they have not
 * answered by then, for each look twice as long, since all that is sent meanwhile has to be confirmed, too, and nothing would
 * ever be if they took longer than a look. After a look that was in vain others have the connection for as long.
 */
const LOOK_MS = 20
const LONGEST_LOOK_MS = 160

/** How many replicas must have a write before it counts. */
export interface AckRule {
  /** At least 1. */
  readonly replicas: number
  /** Longest wait for them, in milliseconds. */
  readonly withinMs: number
  /** Whether the server can say that a write is on disk, here and there (`WAITAOF`, Redis 7.2). */
  readonly onDisk: () => boolean
  readonly log: Log
  /** The server, for the log. */
  readonly node: string
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
  readonly deadline: number
  /** Resolves with why it is not confirmed, or undefined where it is. */
  readonly told: (why: string | undefined) => void
}

/**
 * What a command waits for that was sent; of one that was sent again, maybe to another server, the last time counts. Known for
 * all connections together, because a command that has to be confirmed has to wherever it is sent: by its looks alone it
 * cannot be told any more, once the client library has put the text of its script into it.
 */
const confirmations = new WeakMap<Command, Promise<string | undefined>>()

/**
 * Holds back what the commands of a connection answer until enough replicas have what was written.
 *
 * Redis remembers of each connection how far the replication stream was at its last write, and `WAIT` says how many replicas
 * have that much. So it tells something of a write only over the very connection that carried it: after a reconnection it would
 * be asked of a connection, and maybe of a server, that has never seen the write, and would say yes at once
 * (docs/adr/0016-replica-acks.md). A command that only finds what another has written writes it again (lua/includes/again.lua).
 *
 * One `WAIT` at the end of a turn of the event loop speaks for all commands that were sent before it, and there is one at
 * a time. It stops the connection for a moment only: whatever else that is for must not wait for replicas that are away.
 */
export class Acks {
  readonly #redis: Redis
  readonly #rule: AckRule
  readonly #said: AcksSaid
  /** Changes with each connection that is lost. */
  #connection = 0
  /** In the order in which they were sent. */
  #open: Sent[] = []
  #asking = false
  #lookMs = LOOK_MS
  #knowsWaitAof = true

  /** @param which commands are to be confirmed */
  constructor(redis: Redis, rule: AckRule, which: (command: Command) => boolean) {
    this.#redis = redis
    this.#rule = rule
    this.#said = new AcksSaid(rule.log, { node: rule.node, replicas: rule.replicas })
    const send = redis.sendCommand.bind(redis)
    redis.on('close', () => this.#lost())
    redis.sendCommand = (command, stream) => {
      // What is sent before the connection stands comes by here once more as it is really sent.
      const sends = redis.status === 'ready'
      if (sends && (confirmations.has(command) || which(command))) this.#hold(command)
      return send(command, stream)
    }
  }

  #lost(): void {
    this.#connection += 1
    for (const { told } of this.#open) told('the connection was lost before the replicas answered')
    this.#open = []
  }

  #hold(command: Command): void {
    const isHeld = confirmations.has(command)
    const confirmation = new Promise<string | undefined>((told) => {
      this.#open.push({ deadline: performance.now() + this.#rule.withinMs, told })
    })
    confirmations.set(command, confirmation)
    if (!isHeld) holdBack(command)
    if (!this.#asking) void this.#ask()
  }

  async #ask(): Promise<void> {
    this.#asking = true
    while (this.#open.length > 0) {
      // Before the held-back commands are released, which is done in a callback of the same kind (hold-back.ts).
      await new Promise<void>((resolve) => setImmediate(resolve))
      const [asked, connection] = [this.#open.length, this.#connection]
      const found = await this.#count()
      // Else all that was asked for has been told.
      if (connection !== this.#connection) continue
      const sent = this.#open.splice(0, asked)
      const left = sent.filter((each) => !this.#tell(each, found))
      this.#open.unshift(...left)
      if (left.length > 0) await sleep(this.#lookMs)
      this.#lookMs = left.length > 0 ? Math.min(2 * this.#lookMs, LONGEST_LOOK_MS) : LOOK_MS
    }
    this.#asking = false
  }

  /** Whether all is said of it. */
  #tell({ deadline, told }: Sent, found: number | Error): boolean {
    const { replicas } = this.#rule
    if (found instanceof Error) {
      // Whatever the client library says of a lost connection has been said.
      if (found.name === 'ReplyError') this.#said.refused(errorFields(found))
      told(`the replicas could not be asked: ${found.message}`)
    } else if (found >= replicas) {
      this.#said.confirmed()
      told(undefined)
    } else if (performance.now() >= deadline) {
      this.#said.refused({ confirmed: found })
      told(`${found} of ${replicas} replicas have it`)
    } else {
      return false
    }
    return true
  }

  /** How many replicas have what was sent so far. */
  async #count(): Promise<number | Error> {
    const { replicas, onDisk } = this.#rule
    const leftMs = Math.ceil((this.#open[0]?.deadline ?? 0) - performance.now())
    const forMs = Math.max(1, Math.min(this.#lookMs, leftMs))
    try {
      const inMemory = this.#redis.wait(replicas, forMs)
      if (!this.#knowsWaitAof || !onDisk()) return await inMemory
      // Where they did not have it at the last look, not twice in vain.
      if (this.#lookMs > LOOK_MS && (await inMemory) < replicas) return await inMemory
      // A replica tells at once what it has, and only when it is asked again that this is on its disk by now: with WAITAOF
      // alone every write would take a second.
      const onDisks = this.#redis.call('WAITAOF', 1, replicas, forMs)
      const [has, fsynced] = await Promise.allSettled([inMemory, onDisks])
      if (fsynced.status === 'fulfilled') {
        const [here, there] = fsynced.value as [number, number]
        return here < 1 ? 0 : there
      }
      if (!/unknown command|NOPERM/i.test(String(fsynced.reason))) throw fsynced.reason
      this.#knowsWaitAof = false
      if (has.status === 'rejected') throw has.reason
      return has.value
    } catch (error) {
      return error as Error
    }
  }
}

/** Keeps the answer of a command until it is confirmed. */
function holdBack(command: Command): void {
  const { resolve } = command
  command.resolve = (answer) => {
    void confirmations.get(command)?.then((why) => {
      if (why === undefined) resolve.call(command, answer)
      else command.reject(new NotConfirmedError(command.transformReply(answer as never), why))
    })
  }
}
