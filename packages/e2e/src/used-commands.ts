import { Redis } from 'ioredis'

/** Commands with subcommands that have rights of their own: `client|list`. */
const CONTAINERS: ReadonlySet<string> = new Set(['acl', 'client', 'cluster', 'config', 'script', 'sentinel'])

/**
 * Watches which user of a Redis uses which commands, those inside of scripts too. `MONITOR` tells the commands as they run, and
 * from which address; `CLIENT LIST` who that is. It does not tell of commands for administrators (CONFIG, CLIENT LIST).
 */
export class UsedCommands {
  readonly #watch: Redis
  readonly #admin: Redis
  readonly #users = new Map<string, string>()
  /** By address. */
  readonly #used = new Map<string, Set<string>>()
  #looked: Promise<void> = Promise.resolve()
  /** Scripts tell no address: they run in one piece, after the command that began them. */
  #script = ''

  private constructor(watch: Redis, admin: Redis) {
    this.#watch = watch
    this.#admin = admin
  }

  /** @param url with a user that may do anything */
  static async watch(url: string): Promise<UsedCommands> {
    const admin = new Redis(url, { disableClientInfo: true })
    admin.on('error', () => {})
    const monitor = await admin.monitor()
    const used = new UsedCommands(monitor, admin)
    monitor.on('monitor', (_time: string, args: string[], source: string) => used.#see(args, source))
    return used
  }

  /** What a user has used so far, in order. */
  async of(user: string): Promise<Set<string>> {
    await this.#looked
    const addresses = [...this.#used].filter(([address]) => this.#users.get(address) === user)
    return new Set(addresses.flatMap(([, commands]) => [...commands]))
  }

  close(): void {
    this.#watch.disconnect()
    this.#admin.disconnect()
  }

  #see(args: readonly string[], source: string): void {
    const [first = '', second = ''] = args
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
    const clients = String(await this.#admin.client('LIST'))
    for (const line of clients.split('\n')) {
      const { address, user } = / addr=(?<address>\S+) .*\buser=(?<user>\S+)/.exec(line)?.groups ?? {}
      if (address !== undefined && user !== undefined) this.#users.set(address, user)
    }
  }
}
