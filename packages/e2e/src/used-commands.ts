import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { redisCommand } from '@timers/local-redis'

/** Pause until a server is connected to again that has cut the connection, in milliseconds. */
const AGAIN_MS = 20
/** Commands with subcommands that have rights of their own: `client|list`. */
const CONTAINERS: ReadonlySet<string> = new Set(['acl', 'client', 'cluster', 'config', 'script', 'sentinel'])

/** `1795304859.245970 [0 127.0.0.1:57844] "client" "setname" "timers"`; inside of a script the source is `lua`. */
const SEEN = /^\+[\d.]+ \[\d+ (?<source>\S+)\] (?<words>.*)$/
/** Only of the first two is it known that they hold no secret, and no quote. */
const WORDS = /^"(?<first>[^"]*)"(?: "(?<second>[^"]*)")?/

/**
 * Watches which user of a Redis uses which commands, those inside of scripts too. `MONITOR` tells the commands as they run, and
 * from which address; `CLIENT LIST` who that is. It does not tell of commands for administrators (CONFIG, CLIENT LIST).
 */
export class UsedCommands {
  readonly #port: number
  #socket: Socket | undefined
  #closed = false
  readonly #users = new Map<string, string>()
  /** By address. */
  readonly #used = new Map<string, Set<string>>()
  #looked: Promise<void> = Promise.resolve()
  /** Scripts tell no address: they run in one piece, after the command that began them. */
  #script = ''

  private constructor(port: number) {
    this.#port = port
  }

  /** @param port of a Redis on this machine whose default user may do anything */
  static async watch(port: number): Promise<UsedCommands> {
    const used = new UsedCommands(port)
    await used.#connect()
    return used
  }

  /** By hand: ioredis loses its place where the first command is seen together with the answer to MONITOR. */
  async #connect(): Promise<void> {
    const socket = connect(this.#port, '127.0.0.1')
    this.#socket = socket
    socket.on('error', () => {})
    // Sentinels cut all connections of a server whose role they change.
    socket.on('close', () => {
      if (!this.#closed) setTimeout(() => void this.#connect(), AGAIN_MS).unref()
    })
    const lines = createInterface({ input: socket })
    const began = once(lines, 'line')
    lines.on('line', (line) => this.#read(line))
    socket.write('MONITOR\r\n')
    await began
  }

  /** What a user has used so far, in order. */
  async of(user: string): Promise<Set<string>> {
    await this.#looked
    const addresses = [...this.#used].filter(([address]) => this.#users.get(address) === user)
    return new Set(addresses.flatMap(([, commands]) => [...commands]))
  }

  close(): void {
    this.#closed = true
    this.#socket?.destroy()
  }

  #read(line: string): void {
    const { source, words = '' } = SEEN.exec(line)?.groups ?? {}
    const { first, second = '' } = WORDS.exec(words)?.groups ?? {}
    if (source !== undefined && first !== undefined) this.#see(first, second, source)
  }

  #see(first: string, second: string, source: string): void {
    const name = first.toLowerCase()
    const address = source === 'lua' ? this.#script : source
    if (source !== 'lua') this.#script = source
    let commands = this.#used.get(address)
    if (commands === undefined) {
      commands = new Set()
      this.#used.set(address, commands)
      // While it is still connected.
      this.#looked = this.#looked.then(() => this.#look()).catch(() => {})
    }
    commands.add(CONTAINERS.has(name) ? `${name}|${second.toLowerCase()}` : name)
  }

  async #look(): Promise<void> {
    const clients = String(await redisCommand(this.#port, ['CLIENT', 'LIST']))
    for (const line of clients.split('\n')) {
      const { address, user } = / addr=(?<address>\S+) .*\buser=(?<user>\S+)/.exec(line)?.groups ?? {}
      if (address !== undefined && user !== undefined) this.#users.set(address, user)
    }
  }
}
