import { rm } from 'node:fs/promises'
import { type RedisReply, redisCommands } from './redis-command.ts'
import { type RedisExit, type RedisServer, startRedisServer } from './redis-server.ts'

/** How long a node may take to say what it is: a frozen one never does. */
const ROLE_TIMEOUT_MS = 500
const COMMAND_TIMEOUT_MS = 10_000

export type NodeRole = 'primary' | 'replica' | 'down'

export interface RedisNodeOptions {
  /** Also the name of its folder. */
  readonly name: string
  readonly dataDir: string
  readonly port: number
  /** Where clients find it, if not at `port`: its port for TLS, or a proxy in front of it. */
  readonly clientPort?: number
  /** Password of the default user. */
  readonly password?: string
  readonly detached?: boolean
  /** Told when it ends and nobody here has asked it to. */
  readonly onCrash?: (node: RedisNode, exit: RedisExit) => void
}

/** What a start is made of besides port and folder. */
export interface NodeSettings {
  readonly configFile?: string
  readonly extraArgs: readonly string[]
}

/**
 * One Redis of several that belong together. Port and data outlive `stop()` and `kill()`: `start()` brings the same one back.
 */
export abstract class RedisNode {
  readonly name: string
  readonly dataDir: string
  /** Where commands of this package go, whatever stands between clients and the node. */
  readonly port: number
  readonly clientPort: number
  readonly #options: RedisNodeOptions
  #server: RedisServer | undefined
  #frozen = false

  constructor(options: RedisNodeOptions) {
    this.name = options.name
    this.dataDir = options.dataDir
    this.port = options.port
    this.clientPort = options.clientPort ?? options.port
    this.#options = options
  }

  /** Pid of the running server; undefined while there is none. */
  get pid(): number | undefined {
    return this.#server?.pid
  }

  /** Whether its process runs, and is not frozen. */
  get answers(): boolean {
    return this.#server !== undefined && !this.#frozen
  }

  get password(): string | undefined {
    return this.#options.password
  }

  /** Sends one command and gives the reply; rejects with the text of an error reply. */
  async command(...words: string[]): Promise<RedisReply> {
    const [reply = null] = await this.commands([words])
    return reply
  }

  /** Sends commands back to back over one connection and gives their replies; rejects with the first error reply. */
  async commands(
    commands: readonly (readonly string[])[],
    timeoutMs = COMMAND_TIMEOUT_MS,
  ): Promise<RedisReply[]> {
    const { password } = this.#options
    const login = password === undefined ? [] : [['AUTH', password]]
    const replies = await redisCommands(this.port, [...login, ...commands], timeoutMs)
    return replies.slice(login.length)
  }

  /** A section of INFO. */
  async info(section: string): Promise<ReadonlyMap<string, string>> {
    return fieldsOf(await this.command('INFO', section))
  }

  /** What it takes itself for; `down` where it does not run or does not answer. */
  async role(): Promise<NodeRole> {
    if (!this.answers) return 'down'
    try {
      const [info = ''] = await this.commands([['INFO', 'replication']], ROLE_TIMEOUT_MS)
      return fieldsOf(info).get('role') === 'master' ? 'primary' : 'replica'
    } catch {
      return 'down'
    }
  }

  /** Starts it where it does not run; resolves when it answers. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return
    const { dataDir, port, password, detached = false } = this.#options
    const login = password === undefined ? {} : { password }
    const settings = await this.settings()
    const server = await startRedisServer({ dataDir, port, detached, ...login, ...settings })
    this.#server = server
    this.#frozen = false
    void server.exited.then((exit) => {
      if (this.#server !== server) return
      this.#server = undefined
      this.#options.onCrash?.(this, exit)
    })
  }

  /** SIGTERM, and waits for the end. */
  async stop(): Promise<void> {
    await this.#leave()?.stop()
  }

  /** SIGKILL, like a power failure of the process, and waits for the end. */
  async kill(): Promise<void> {
    await this.#leave()?.kill()
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  freeze(): void {
    this.#frozen = this.#server !== undefined
    this.#server?.pause()
  }

  /** SIGCONT. */
  thaw(): void {
    this.#frozen = false
    this.#server?.resume()
  }

  /** Kills it, and its data is gone for good. */
  async wipe(): Promise<void> {
    await this.kill()
    await rm(this.dataDir, { recursive: true, force: true })
  }

  /** Asked at each start. */
  protected abstract settings(): NodeSettings | Promise<NodeSettings>

  /** Its end is no crash from here on. */
  #leave(): RedisServer | undefined {
    const server = this.#server
    this.#server = undefined
    return server
  }
}

/** Lines of `name:value`, as INFO and CLUSTER INFO have them. */
export function fieldsOf(text: RedisReply): ReadonlyMap<string, string> {
  const lines = String(text).split('\r\n')
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}
