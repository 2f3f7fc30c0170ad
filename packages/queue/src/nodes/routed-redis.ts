import { setTimeout as sleep } from 'node:timers/promises'
import { Command, Redis } from 'ioredis'
import { NotConfirmedError } from './acks.ts'

/** How long to wait before a command that a node does not take now is sent again, in milliseconds. */
const AGAIN_MS = 25

/** How answers begin of a node that serves nothing now, or not this; another one may. */
const NOT_NOW: ReadonlySet<string> = new Set(['CLUSTERDOWN', 'MASTERDOWN', 'LOADING', 'READONLY'])

/** What ioredis says where a command was not sent, and where it had no answer because the connection went. */
const NOT_SENT = /Stream isn't writeable/
const CONNECTION_LOST =
  /max retries per request|Connection is (not|already|closed)|ECONN|EPIPE|Socket timeout/i

/** The way to the node that serves a shard. */
export interface Route {
  /** A key of the shard that never exists. */
  readonly neverKey: string
  /** Connection to the node that serves it now, undefined while none is known. */
  current(): Redis | undefined
  /** Connection to the node that an answer has named, which came over the connection `from`; undefined where it names none. */
  named(address: string, from: Redis): Redis | undefined
  /** The slot is at that address now, says the node at the other end of `from`. */
  moved(address: string, from: Redis): void
  /** The node does not serve the slot, or cannot be reached: looks where it is now. */
  lookAgain(): Promise<unknown>
  /** Longest time for a command with all its ways, in milliseconds; undefined for as long as it takes. */
  readonly withinMs: number | undefined
  /** A connection of its own that waits at the shard, on whichever node it is. */
  waiting(): Redis
  /** Whether it is over: nothing is sent any more. */
  readonly closed: boolean
}

/** A command under way, as it was given: who sends it may put a script's text into it. */
interface Journey {
  readonly command: Command
  readonly name: string
  readonly first: Command['args'][number] | undefined
  readonly giveUp: Command['reject']
  /** How often it was sent on. */
  redirections: number
}

/**
 * A Redis for one shard on a cluster: it has no connection of its own, and sends each command over that of the node which
 * serves the shard at the moment. Redirects are followed, and what could not be answered is sent again: every command of
 * ours knows its resends.
 *
 * It is not ioredis' `Cluster`, because it matters here which connection a command went over (docs/adr/0015-cluster-connections.md).
 *
 * A script needs more. While a slot is on its way from one node to another, a script that comes upon a key which is not
 * there, or not there any more, ends in the middle: what it wrote before stays (measured with Redis 7.0.15). A node refuses a
 * script as a whole only for the keys it is told of. So each is told of one more key that never exists: it then runs before the
 * slot moves, or after, and never meanwhile.
 */
export class RoutedRedis extends Redis {
  readonly #route: Route
  #resends = 0

  constructor(route: Route) {
    super({ lazyConnect: true, maxRetriesPerRequest: null })
    this.#route = route
    // It never connects, and is never to be waited for.
    this.status = 'ready'
  }

  /** How often a command was sent again whose first answer was lost. */
  get resends(): number {
    return this.#resends
  }

  /** What BullMQ waits with. */
  override duplicate(): Redis {
    return this.#route.waiting()
  }

  override disconnect(): void {}

  override pipeline(): never {
    throw new Error('commands of one shard are sent each on its own: the node may change between them')
  }

  override multi(): never {
    throw new Error('a transaction cannot follow its shard: make it a script')
  }

  override sendCommand(command: Command): unknown {
    const { name, reject: giveUp } = command
    if (name === 'evalsha' || name === 'eval') tellOfKey(command, this.#route.neverKey)
    if (this.#route.withinMs !== undefined) command.setTimeout(this.#route.withinMs)
    this.#send({ command, name, first: command.args[0], giveUp, redirections: 0 })
    return command.promise
  }

  #send(journey: Journey): void {
    const { command, giveUp } = journey
    // Its time may be over.
    if (command.isSettled) return
    if (this.#route.closed) {
      giveUp.call(command, new Error('Connection is closed.'))
      return
    }
    const node = this.#route.current()
    if (node === undefined) void this.#afterALook(journey)
    else this.#sendTo(node, journey)
  }

  /** As it was given, also where it was sent before. */
  #sendTo(node: Redis, journey: Journey): void {
    const { command, name, first, giveUp } = journey
    command.name = name
    if (first !== undefined) command.args[0] = first
    command.reject = (error) => {
      // Its time is over, or that of the process; or it was carried out, and only the replicas have not confirmed it.
      const isOver = command.isSettled || this.#route.closed || error instanceof NotConfirmedError
      if (isOver) giveUp.call(command, error)
      else this.#again(journey, error, node)
    }
    void node.sendCommand(command)
  }

  #again(journey: Journey, error: Error, from: Redis): void {
    const { command, giveUp } = journey
    const [kind = '', , address = ''] = error.message.split(' ')
    if (kind === 'MOVED') {
      this.#route.moved(address, from)
      this.#redirect(journey, () => this.#send(journey))
    } else if (kind === 'ASK') {
      const node = this.#route.named(address, from)
      if (node === undefined) void this.#afterALook(journey)
      else this.#redirect(journey, () => this.#ask(node, journey))
    } else if (kind === 'TRYAGAIN') {
      void sleep(AGAIN_MS).then(() => this.#send(journey))
    } else if (NOT_NOW.has(kind) || NOT_SENT.test(error.message)) {
      void this.#afterALook(journey)
    } else if (CONNECTION_LOST.test(error.message)) {
      this.#resends += 1
      void this.#afterALook(journey)
    } else {
      giveUp.call(command, error)
    }
  }

  /** At once the first time; then nodes may disagree, and send it to and fro. */
  #redirect(journey: Journey, send: () => void): void {
    journey.redirections += 1
    if (journey.redirections === 1) send()
    else void sleep(AGAIN_MS).then(send)
  }

  /** For this once: the slot is on its way to that node. */
  #ask(node: Redis, journey: Journey): void {
    if (journey.command.isSettled || this.#route.closed) {
      this.#send(journey)
      return
    }
    // One right after the other over one connection: it holds for the next command only.
    const asking = new Command('asking', [])
    asking.promise.catch(() => {})
    void node.sendCommand(asking)
    this.#sendTo(node, journey)
  }

  async #afterALook(journey: Journey): Promise<void> {
    await Promise.all([sleep(AGAIN_MS), this.#route.lookAgain()])
    this.#send(journey)
  }
}

/** One key more, after those that the script knows. */
function tellOfKey(command: Command, key: string): void {
  const keys = Number(command.args[1])
  command.args[1] = String(keys + 1)
  command.args.splice(2 + keys, 0, key)
}
