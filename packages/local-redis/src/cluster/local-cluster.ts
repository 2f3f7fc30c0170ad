import { join, resolve } from 'node:path'
import { allOf } from '../all-of.ts'
import { discardFolder } from '../data-folder.ts'
import { securityLines } from '../node-security.ts'
import { makePrivateFolder } from '../private-folder.ts'
import { type RememberedNode, RememberedNodes } from '../remembered-nodes.ts'
import { stablePorts } from '../stable-port.ts'
import { until } from '../until.ts'
import { ClusterMap } from './cluster-map.ts'
import { ClusterNode } from './cluster-node.ts'
import { type LocalClusterOptions, sharedLines } from './cluster-options.ts'
import { slotsOf } from './cluster-view.ts'
import { acquaint, formCluster, replicate } from './form-cluster.ts'
import { SlotMove } from './slot-move.ts'

/** Slots that are on their way at a time where many are moved. */
const SLOTS_A_MOVE = 1_024
const PORT_ATTEMPTS = 5

/** A Redis Cluster on 127.0.0.1. It ends with the process that started it, at the latest. */
export class LocalCluster extends ClusterMap {
  readonly dataDir: string
  readonly #options: LocalClusterOptions
  readonly #file: RememberedNodes
  readonly #remembered = new Map<string, RememberedNode>()

  private constructor(options: LocalClusterOptions) {
    super()
    this.#options = options
    this.dataDir = resolve(options.dataDir)
    this.#file = new RememberedNodes(join(this.dataDir, 'cluster.json'))
  }

  static async start(options: LocalClusterOptions): Promise<LocalCluster> {
    const cluster = new LocalCluster(options)
    makePrivateFolder(cluster.dataDir)
    try {
      const remembered = cluster.#file.read()
      if (remembered === undefined) await cluster.#form()
      else await cluster.#comeBack(remembered)
      await cluster.healthy()
      return cluster
    } catch (error) {
      await cluster.kill()
      throw error
    }
  }

  /** For REDIS_URL, without a user: every node, whatever its role. */
  get url(): string {
    const scheme = this.#options.tls === undefined ? 'redis+cluster' : 'rediss+cluster'
    return `${scheme}://${this.members.map(({ clientPort }) => `127.0.0.1:${clientPort}`).join()}`
  }

  /**
   * A planned failover: the replica takes over in step with its primary. Gives the new primary; resolves when all know it.
   * `replica` defaults to one of the primary's that answers.
   */
  async failover(primary: ClusterNode, replica?: ClusterNode): Promise<ClusterNode> {
    const heir = replica ?? (await this.replicasOf(primary)).find(({ answers }) => answers)
    if (heir === undefined) throw new Error(`${primary.name} has no replica that could take over`)
    await heir.command('CLUSTER', 'FAILOVER')
    await this.promoted(heir)
    return heir
  }

  /** Begins to move slots, all of one owner: go on with `step()`, or stop in the middle, and end with `finish()`. */
  async beginMove(slots: readonly number[], to: ClusterNode): Promise<SlotMove> {
    const from = await this.ownerOf(slots[0] ?? 0)
    // Its claim must be newer than all others, or an old owner takes the slots back; and a new node takes no keys in its first 2 s.
    await until(`${to.name} can take slots`, async () => {
      const { epoch, isOk } = await to.view()
      return isOk && epoch === (await this.view()).epoch
    })
    const others = (await this.primaries()).filter((node) => node !== from && node !== to)
    return SlotMove.begin(slots, { from, to, others })
  }

  /** Moves slots to a primary while clients go on. */
  async moveSlots(slots: readonly number[], to: ClusterNode): Promise<void> {
    const { members } = await this.view()
    for (const member of members) {
      const theirs = new Set(slotsOf(member))
      const mine = member.id === to.id ? [] : slots.filter((slot) => theirs.has(slot))
      for (let at = 0; at < mine.length; at += SLOTS_A_MOVE) {
        const move = await this.beginMove(mine.slice(at, at + SLOTS_A_MOVE), to)
        await move.finish()
      }
    }
  }

  /** A new node: a replica of the given primary, or a primary without slots. */
  async addNode(primary?: ClusterNode): Promise<ClusterNode> {
    const numbers = this.members.map(({ name }) => Number(/\d+$/.exec(name)?.[0] ?? 0))
    const node = await this.#startNew(`node-${Math.max(-1, ...numbers) + 1}`)
    this.#remember()
    await this.#join(node, primary)
    return node
  }

  /**
   * Takes a node out for good: a primary's slots go to the others in equal parts, its replicas to those with the fewest. Its
   * data is removed.
   */
  async removeNode(node: ClusterNode): Promise<void> {
    const others = (await this.primaries()).filter((other) => other !== node && other.answers)
    const slots = await this.slotsOf(node)
    const part = Math.ceil(slots.length / others.length)
    for (const [index, other] of others.entries()) {
      await this.moveSlots(slots.slice(index * part, (index + 1) * part), other)
    }
    for (const replica of await this.replicasOf(node)) {
      if (replica.answers) await replicate(replica, await this.poorest(node))
    }
    this.members.splice(this.members.indexOf(node), 1)
    this.#remember()
    await this.#forget(node.id)
    await node.wipe()
  }

  /**
   * Puts a new, empty node at the place of one that is lost for good: same name, same ports, a replica of the primary that has
   * the fewest. Waits until somebody has taken over, where the lost one was a primary.
   */
  async replace(node: ClusterNode): Promise<void> {
    const lost = node.id
    await node.wipe()
    await until(`somebody takes over from ${node.name}`, async () => {
      const { members } = await this.view()
      return !members.some(({ id, slots }) => id === lost && slots.length > 0)
    })
    await this.#forget(lost)
    await node.start()
    await this.#join(node, await this.poorest(node))
  }

  /** Empties it: all keys of all slots. */
  async flush(): Promise<void> {
    const primaries = (await this.primaries()).filter(({ answers }) => answers)
    await Promise.all(primaries.map((node) => node.command('FLUSHALL')))
  }

  /** SIGTERM to all, and waits. */
  async stop(): Promise<void> {
    await Promise.all(this.members.map((node) => node.stop()))
  }

  /** SIGKILL to all, and waits. */
  async kill(): Promise<void> {
    await Promise.all(this.members.map((node) => node.kill()))
  }

  async #form(): Promise<void> {
    const { primaries = 3, replicas = 1 } = this.#options
    const names = Array.from({ length: primaries * (replicas + 1) }, (_, index) => `node-${index}`)
    // What is there was never a whole cluster, and nobody was told of it.
    for (const name of names) await discardFolder(join(this.dataDir, name))
    await allOf(names.map((name) => this.#startNew(name)))
    this.members.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
    await formCluster(this.members, primaries)
    this.#remember()
  }

  async #comeBack(remembered: readonly RememberedNode[]): Promise<void> {
    for (const ports of remembered) this.members.push(await this.#make(ports))
    const moved = await allOf(this.members.map((node, index) => this.#startOrMove(node, index)))
    if (!moved.some(Boolean)) return
    this.#remember()
    // Nobody finds a node by itself that has moved while all were down.
    await acquaint(this.members)
  }

  /** Starts a node where it was, or on other ports where somebody has taken its own. Says whether it moved. */
  async #startOrMove(node: ClusterNode, index: number): Promise<boolean> {
    try {
      await node.start()
      return false
    } catch (error) {
      if (!isPortTaken(error)) throw error
      const elsewhere = await this.#make(await this.#newPorts(node.name))
      this.members[index] = elsewhere
      await elsewhere.start()
      return true
    }
  }

  async #startNew(name: string): Promise<ClusterNode> {
    for (let attempt = 1; ; attempt++) {
      const node = await this.#make(await this.#newPorts(name))
      try {
        await node.start()
        this.members.push(node)
        return node
      } catch (error) {
        if (attempt === PORT_ATTEMPTS || !isPortTaken(error)) throw error
      }
    }
  }

  async #newPorts(name: string): Promise<RememberedNode> {
    const [port = 0, busPort = 0, tlsPort = 0] = await stablePorts(3)
    return { name, port, busPort, ...(this.#options.tls === undefined ? {} : { tlsPort }) }
  }

  async #make(ports: RememberedNode): Promise<ClusterNode> {
    const { announce, onCrash, password, detached = false, tls } = this.#options
    const { name, port, busPort = 0, tlsPort } = ports
    const announced = await announce?.({ name, port, busPort })
    this.#remembered.set(name, ports)
    return new ClusterNode({
      name,
      dataDir: join(this.dataDir, name),
      port,
      clientPort: announced?.port ?? tlsPort ?? port,
      migrationPort: tlsPort ?? port,
      busPort,
      announcedBusPort: announced?.busPort ?? busPort,
      detached,
      lines: [
        ...securityLines(this.#options, tlsPort),
        ...(tls === undefined ? [] : [['tls-cluster', 'yes']]),
        ...announcement(announced),
        ...sharedLines(this.#options),
      ],
      ...(password === undefined ? {} : { password }),
      ...(onCrash === undefined ? {} : { onCrash: (node, exit) => onCrash(node.name, exit) }),
    })
  }

  #remember(): void {
    this.#file.write(this.members.flatMap(({ name }) => this.#remembered.get(name) ?? []))
  }

  async #join(node: ClusterNode, primary: ClusterNode | undefined): Promise<void> {
    await acquaint(this.running(), [node])
    if (primary === undefined) return
    await replicate(node, primary)
    await until(`everybody knows that ${node.name} is a replica`, async () => {
      const views = await Promise.all(this.running().map((other) => other.view()))
      return views.every(({ members }) => members.find(({ id }) => id === node.id)?.primaryId === primary.id)
    })
  }

  /** Every node must do it, and soon: within a minute they would hear of it again from one another. */
  async #forget(id: string): Promise<void> {
    await Promise.all(
      this.running().map((node) =>
        until(`${node.name} forgets ${id}`, async () => {
          const { members } = await node.view()
          if (members.some((member) => member.id === id)) await node.command('CLUSTER', 'FORGET', id)
          return true
        }),
      ),
    )
  }
}

/**
 * Starts a Redis Cluster, three primaries with a replica each by default, each node with the repository's redis.conf on ports that
 * are free here; resolves when it takes writes everywhere. On a folder that has one already: that one again, with its data.
 */
export function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  return LocalCluster.start(options)
}

function announcement(ports: { port: number; busPort: number } | undefined): string[][] {
  if (ports === undefined) return []
  return [
    ['cluster-announce-port', String(ports.port)],
    ['cluster-announce-bus-port', String(ports.busPort)],
  ]
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && /is taken by another process/.test(error.message)
}
