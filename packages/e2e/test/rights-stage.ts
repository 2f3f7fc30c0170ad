import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import {
  type App,
  DASHBOARD_PASSWORD,
  DASHBOARD_USER,
  type Environment,
  entryOf,
  eventually,
  type Receiver,
  readAclUsers,
  type Service,
  spawnService,
  stablePort,
  startReceiver,
} from '@timers/lab'
import { UsedCommands } from '../src/used-commands.ts'
import { answerByPath, RightsTour } from './rights-tour.ts'

const RESTORED = fileURLToPath(new URL('../../../apps/worker/dist/restored.js', import.meta.url))
/** Commands that every user may use, before a login too. */
const FREE: ReadonlySet<string> = new Set(['auth', 'hello', 'quit', 'reset'])
const PASSWORD = 'of-services'
/**
 * With RIGHTS=all nothing is refused, and the end of the test tells all at once that is to be written into the file: for who
 * has changed what the services ask of Redis.
 */
const MORE = process.env.RIGHTS === 'all' ? ['+@all'] : []
/** As short as the sweeper's steps; the first worker keeps for long what the tour asks for again. */
const SHORT_RETENTION = { RETENTION_DAYS: 0.00005 }

export const USERS = readAclUsers('users.acl')
export type Role = 'api' | 'worker' | 'dashboard' | 'operator'

/** A Redis that the laboratory may ask for anything. */
interface Commanded {
  readonly port: number
  command(...words: string[]): Promise<unknown>
}

export interface StageOptions {
  /** REDIS_URL, without a user. */
  readonly url: string
  readonly nodes: readonly Commanded[]
  readonly env?: Environment
  /** Who starts on an empty Redis. */
  readonly first: 'api' | 'worker'
}

interface Started {
  readonly service: Service
  readonly url: string
}

/** An installation whose services have the rights of the documents and no others. */
export class RightsStage {
  readonly receiver: Receiver
  readonly #options: StageOptions
  readonly #watches: readonly UsedCommands[]
  readonly #services: Service[] = []
  #leaveOver: (() => Promise<void>) | undefined

  private constructor(options: StageOptions, receiver: Receiver, watches: readonly UsedCommands[]) {
    this.#options = options
    this.receiver = receiver
    this.#watches = watches
  }

  static async open(options: StageOptions): Promise<RightsStage> {
    for (const { command } of options.nodes.map(bound)) {
      for (const { name, rules } of USERS)
        await command('ACL', 'SETUSER', name, ...rules, ...MORE, 'on', `>${PASSWORD}`)
      await command('ACL', 'LOG', 'RESET')
    }
    const watches = options.nodes.map(({ port }) => UsedCommands.watch(port))
    return new RightsStage(
      options,
      await startReceiver({ respond: answerByPath }),
      await Promise.all(watches),
    )
  }

  /** Starts all, and does everything with them. `meanwhile` is played while a worker runs, `unattended` while none does. */
  async play(
    meanwhile: (tour: RightsTour, dashboardUrl: string) => Promise<void>,
    unattended: (tour: RightsTour) => Promise<void> = async () => {},
  ): Promise<void> {
    const worker = () =>
      this.#start('worker', 'HEALTH_PORT', { DELIVERY_MAX_PER_ORIGIN: 2, WEBHOOK_TIMEOUT_MS: 60_000 })
    const early = this.#options.first === 'worker' ? await worker() : undefined
    const api = await this.#start('api', 'PORT')
    const lost = early ?? (await worker())
    const dashboard = await this.#start('dashboard', 'DASHBOARD_PORT', { DASHBOARD_USER, DASHBOARD_PASSWORD })
    const { receiver } = this
    const tour = new RightsTour({ apiUrl: api.url, receiver, closedPort: await stablePort() })
    await tour.waiting()
    await tour.due()
    await tour.dashboard(dashboard.url)
    await meanwhile(tour, dashboard.url)
    const left = await tour.abandoned(lost.url, () => lost.service.kill('SIGKILL'))
    await unattended(tour)
    const last = await this.#start('worker', 'HEALTH_PORT', SHORT_RETENTION)
    await tour.settled(left)
    await tour.removed()
    this.#leaveOver = () => tour.leftOver(() => last.service.kill('SIGKILL'))
  }

  /** Stops all services, as one does before a restore; the worker dies over what it has in hand. */
  async stopServices(): Promise<void> {
    await this.#leaveOver?.()
    await Promise.all(this.#services.map((service) => service.exit ?? service.kill('SIGTERM')))
  }

  /** `npm run restored`; gives what it says. */
  async restore(): Promise<{ readonly code: number; readonly said: string }> {
    const TIMERS_RESTORED_AT = new Date(Date.now() - 1).toISOString()
    const env = { PATH: process.env.PATH, ...asText(this.#options.env), REDIS_URL: this.#urlOf('operator') }
    return new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [RESTORED],
        { env: { ...env, TIMERS_RESTORED_AT } },
        (_error, out, err) => resolve({ code: child.exitCode ?? -1, said: `${out}${err}` }),
      )
    })
  }

  /** What the services of a role have used, as far as Redis tells of it as it goes. */
  async used(role: Role): Promise<string[]> {
    const sets = await Promise.all(this.#watches.map((watch) => watch.of(userOf(role))))
    const all = new Set(sets.flatMap((set) => [...set]))
    return [...all].filter((command) => !FREE.has(command)).sort()
  }

  /** What Redis has refused. */
  async refused(): Promise<string[]> {
    const logs = await Promise.all(this.#options.nodes.map((node) => node.command('ACL', 'LOG')))
    return logs.flatMap((log) => (log as string[][]).map(entryText))
  }

  /** Takes a right away, lets `use` happen, and waits until Redis has refused it. */
  async without(role: Role, right: string, use: () => Promise<unknown>): Promise<void> {
    const user = userOf(role)
    await this.#everywhere('ACL', 'SETUSER', user, `-${right}`)
    try {
      await use()
      await eventually(async () => expect(await this.refused()).toContain(`${user} may not ${right}`))
    } finally {
      await this.#everywhere('ACL', 'SETUSER', user, `+${right}`)
      await this.#everywhere('ACL', 'LOG', 'RESET')
    }
  }

  /** Services connect anew, and look at Redis again. */
  async cutOff(role: Role): Promise<void> {
    await this.#everywhere('CLIENT', 'KILL', 'USER', userOf(role))
  }

  async close(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.exit ?? service.kill('SIGKILL')))
    for (const watch of this.#watches) watch.close()
    await this.receiver.close()
  }

  async #start(app: App & Role, portName: string, more: Environment = {}): Promise<Started> {
    const port = await stablePort()
    const common = { HOST: '127.0.0.1', DELIVERY_ALLOW_CIDRS: '127.0.0.0/8', REDIS_URL: this.#urlOf(app) }
    const env = { ...common, ...this.#options.env, ...more, [portName]: port }
    const service = spawnService({ entry: entryOf(app), env })
    this.#services.push(service)
    const url = `http://127.0.0.1:${port}`
    await service.ready(`${url}/readyz`)
    return { service, url }
  }

  #urlOf(role: Role): string {
    return this.#options.url.replace('://', `://${userOf(role)}:${PASSWORD}@`)
  }

  async #everywhere(...words: string[]): Promise<void> {
    for (const node of this.#options.nodes) await node.command(...words)
  }
}

export function userOf(role: Role): string {
  return `timers-${role}`
}

function bound(node: Commanded) {
  return { command: (...words: string[]) => node.command(...words) }
}

function asText(env: Environment = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]))
}

/** An entry of ACL LOG is a list of names and values. */
function entryText(entry: readonly string[]): string {
  const field = (name: string) => entry[entry.indexOf(name) + 1]
  return `${field('username')} may not ${field('object')}`
}
