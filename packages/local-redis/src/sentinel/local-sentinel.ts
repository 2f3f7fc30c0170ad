import { join, resolve } from 'node:path'
import { allOf } from '../all-of.ts'
import { discardFolder } from '../data-folder.ts'
import { makePrivateFolder } from '../private-folder.ts'
import type { RedisExit } from '../redis-server.ts'
import { type RememberedNode, RememberedNodes } from '../remembered-nodes.ts'
import { stablePorts } from '../stable-port.ts'
import { until } from '../until.ts'
import { Sentinel } from './sentinel.ts'
import { SentinelNode } from './sentinel-node.ts'
import type { LocalSentinelOptions } from './sentinel-options.ts'

const SENTINELS = 3
/** Longer than the 30 s for which Sentinels that were asleep hold still: see `Sentinel.acts()`. */
const SETTLED_WITHIN_MS = 45_000

/** A primary with replicas, and three Sentinels that watch them, on 127.0.0.1. They end with the process that started them. */
export class LocalSentinel {
  /** The name under which the Sentinels know the primary. */
  readonly primaryName = 'timers'
  readonly dataDir: string
  readonly #options: LocalSentinelOptions
  readonly #nodes: SentinelNode[] = []
  readonly #sentinels: Sentinel[] = []
  /** Whether the Sentinels have come to know all: from then on the roles are theirs to say. */
  #isWhole = false

  private constructor(options: LocalSentinelOptions) {
    this.#options = options
    this.dataDir = resolve(options.dataDir)
  }

  static async start(options: LocalSentinelOptions): Promise<LocalSentinel> {
    const local = new LocalSentinel(options)
    makePrivateFolder(local.dataDir)
    try {
      await local.#start()
      return local
    } catch (error) {
      await local.kill()
      throw error
    }
  }

  /** For REDIS_URL, without a user. */
  get url(): string {
    const scheme = this.#options.tls === undefined ? 'redis+sentinel' : 'rediss+sentinel'
    const hosts = this.#sentinels.map(({ clientPort }) => `127.0.0.1:${clientPort}`)
    return `${scheme}://${hosts.join()}/${this.primaryName}`
  }

  get nodes(): readonly SentinelNode[] {
    return this.#nodes
  }

  get sentinels(): readonly Sentinel[] {
    return this.#sentinels
  }

  /** The primary, as two of the Sentinels at least say. */
  async primary(): Promise<SentinelNode> {
    const answers = await Promise.allSettled(this.#answering().map((sentinel) => sentinel.primaryPort()))
    const ports = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    const agreed = ports.find((port, index) => ports.indexOf(port) < index)
    const node = this.#nodes.find(({ clientPort }) => clientPort === agreed)
    if (node === undefined) throw new Error(`The Sentinels do not agree on a primary: ${ports.join()}`)
    return node
  }

  /** All nodes but the primary, whatever state they are in. */
  async replicas(): Promise<SentinelNode[]> {
    const primary = await this.primary()
    return this.#nodes.filter((node) => node !== primary)
  }

  /** Resolves when the Sentinels know all and one another, and every node that runs is in step. */
  async healthy(timeoutMs = SETTLED_WITHIN_MS): Promise<void> {
    await until(
      'the Sentinels know all nodes, and these are in step',
      async () => {
        const knowing = this.#answering().map((sentinel) =>
          sentinel.knows(this.#nodes.length - 1, SENTINELS - 1),
        )
        if (!(await Promise.all(knowing)).every(Boolean)) return false
        const primary = await this.primary()
        if ((await primary.role()) !== 'primary') return false
        const running = this.#nodes.filter(({ answers }) => answers)
        const roles = await Promise.all(running.map((node) => node.role()))
        if (roles.filter((role) => role === 'primary').length !== 1) return false
        return (await Promise.all(running.map((node) => node.isInStep()))).every(Boolean)
      },
      timeoutMs,
    )
  }

  /** A planned failover; gives the new primary, when all Sentinels name it and it takes writes. */
  async failover(): Promise<SentinelNode> {
    const old = await this.primary()
    return this.#untilFollowed(old, SETTLED_WITHIN_MS, async () => {
      for (const sentinel of this.#answering()) {
        if (!(await sentinel.acts())) continue
        // One that is at it says so, in an error; one that gave up is asked again.
        if ((await sentinel.primaryPort()) === old.clientPort) await sentinel.failover()
        return
      }
    })
  }

  /** Resolves with the node that has taken over from a primary, when all Sentinels name it and it takes writes. */
  async successorOf(old: SentinelNode, timeoutMs = SETTLED_WITHIN_MS): Promise<SentinelNode> {
    return this.#untilFollowed(old, timeoutMs)
  }

  /** As `successorOf()`; `ask` is called as long as there is none. */
  #untilFollowed(old: SentinelNode, timeoutMs: number, ask = async () => {}): Promise<SentinelNode> {
    return until(
      `somebody takes over from ${old.name}`,
      async () => {
        const primary = await this.primary()
        const named = await Promise.all(this.#answering().map((sentinel) => sentinel.primaryPort()))
        if (primary !== old && named.every((port) => port === primary.clientPort))
          return (await primary.role()) === 'primary' && primary
        await ask()
        return false
      },
      timeoutMs,
    )
  }

  #answering(): Sentinel[] {
    return this.#sentinels.filter(({ answers }) => answers)
  }

  /** Empties it. */
  async flush(): Promise<void> {
    await (await this.primary()).command('FLUSHALL')
  }

  /** SIGTERM to all, the Sentinels first so that they see no failure, and waits. */
  async stop(): Promise<void> {
    await Promise.all(this.#sentinels.map((sentinel) => sentinel.stop()))
    await Promise.all(this.#nodes.map((node) => node.stop()))
  }

  /** SIGKILL to all, and waits. */
  async kill(): Promise<void> {
    await Promise.all([...this.#sentinels, ...this.#nodes].map((node) => node.kill()))
  }

  async #start(): Promise<void> {
    const file = new RememberedNodes(join(this.dataDir, 'sentinel.json'))
    const known = file.read()
    const remembered = known ?? (await this.#choosePorts())
    // What is there was never whole, and nobody was told of it.
    if (known === undefined) for (const { name } of remembered) await discardFolder(join(this.dataDir, name))
    for (const ports of remembered) {
      if (ports.name.startsWith('node-')) this.#nodes.push(await this.#makeNode(ports))
      else this.#sentinels.push(this.#makeSentinel(ports))
    }
    await allOf(this.#nodes.map((node) => node.start()))
    await until('the replicas have what the primary has', async () =>
      (await Promise.all(this.#nodes.map((node) => node.isInStep()))).every(Boolean),
    )
    await allOf(this.#sentinels.map((sentinel) => sentinel.start()))
    await this.healthy()
    file.write(remembered)
    this.#isWhole = true
  }

  async #choosePorts(): Promise<RememberedNode[]> {
    const { replicas = 1, tls } = this.#options
    const names = [
      ...Array.from({ length: replicas + 1 }, (_, index) => `node-${index}`),
      ...Array.from({ length: SENTINELS }, (_, index) => `sentinel-${index}`),
    ]
    const ports = await stablePorts(2 * names.length)
    return names.map((name, index) => {
      const [port = 0, tlsPort = 0] = ports.slice(2 * index)
      return tls === undefined ? { name, port } : { name, port, tlsPort }
    })
  }

  async #makeNode({ name, port, tlsPort }: RememberedNode): Promise<SentinelNode> {
    const {
      announce,
      minReplicasToWrite = 0,
      minReplicasMaxLagSeconds = 10,
      nodeSettings = [],
    } = this.#options
    const announced = await announce?.({ name, port })
    return new SentinelNode({
      ...this.#common(name, port),
      clientPort: announced?.port ?? tlsPort ?? port,
      tlsPort,
      users: this.#options.users ?? [],
      ...(this.#options.tls === undefined ? {} : { tls: this.#options.tls }),
      lines: [
        ['repl-diskless-sync-delay', '0'],
        ['min-replicas-to-write', String(minReplicasToWrite)],
        ['min-replicas-max-lag', String(minReplicasMaxLagSeconds)],
        ...nodeSettings,
      ],
      primaryPort: () => this.#primaryFor(name),
    })
  }

  #makeSentinel({ name, port, tlsPort }: RememberedNode): Sentinel {
    const { downAfterMs = 1_000 } = this.#options
    const firstPort = () => this.#nodes[0]?.clientPort ?? 0
    // A Sentinel has no password of its own: `password` is for the nodes.
    const { password: _, ...common } = this.#common(name, port)
    return new Sentinel({
      ...common,
      clientPort: tlsPort ?? port,
      tlsPort,
      security: this.#options,
      primaryName: this.primaryName,
      downAfterMs,
      primaryPort: async () => (this.#isWhole ? (await this.primary()).clientPort : firstPort()),
    })
  }

  #common(name: string, port: number) {
    const { detached = false, password, onCrash } = this.#options
    return {
      name,
      port,
      dataDir: join(this.dataDir, name),
      detached,
      ...(password === undefined ? {} : { password }),
      ...(onCrash === undefined
        ? {}
        : { onCrash: (node: { name: string }, exit: RedisExit) => onCrash(node.name, exit) }),
    }
  }

  /** Whom an empty node replicates. */
  async #primaryFor(name: string): Promise<number | undefined> {
    if (!this.#isWhole) return name === 'node-0' ? undefined : this.#nodes[0]?.clientPort
    const primary = await this.primary()
    if (primary.name !== name) return primary.clientPort
    throw new Error(
      `${name} is empty and still the primary: as such it would empty its replicas. Wait for successorOf() first.`,
    )
  }
}

/**
 * Starts a primary, its replicas (one by default), and three Sentinels, each with the repository's redis.conf on ports that are
 * free here; resolves when all know each other. On a folder that has them already: those again, in the roles they had.
 */
export function startLocalSentinel(options: LocalSentinelOptions): Promise<LocalSentinel> {
  return LocalSentinel.start(options)
}
