import type { Faults } from './lane.ts'
import { busPeerOf, redisPeerOf } from './redis-peers.ts'
import type { Peer, PeerOf } from './tcp-link.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

/** A node that the network knows: of a cluster with its id, under Sentinel without. */
export interface NetworkNode {
  readonly name: string
  readonly port: number
  readonly clientPort: number
  readonly id?: string
}

interface Ports {
  readonly name: string
  readonly port: number
  readonly busPort?: number
}

/** The network in front of one node, apart for each kind of those who talk to it. */
interface NodeFaults {
  /** All clients, but those that are told apart. */
  readonly clients: Faults
  /** One of those that are told apart, by its user. */
  client(user: string): Faults
  /** Replicas that replicate from it; `setDelay` is their lag, the half of it each way. */
  readonly replicas: Faults
  readonly sentinels: Faults
  /** Other nodes of the cluster that ask whether it is there. */
  readonly bus: Faults
}

interface NodeProxies {
  readonly data: TcpProxy
  readonly bus: TcpProxy | undefined
}

/**
 * The network between nodes, and between them and clients and Sentinels: proxies at the ports that the nodes announce.
 *
 * It tells who talks by their first bytes, so it needs connections in the clear.
 */
export class NodeNetwork {
  readonly #proxies = new Map<string, NodeProxies>()
  readonly #peerOf: PeerOf
  #nodes: () => readonly NetworkNode[] = () => []

  /** @param apart users whose connections have faults of their own */
  constructor(apart: readonly string[] = []) {
    const names = new Set(apart.map((user) => `client:${user}`))
    this.#peerOf = (head) => {
      const peer = redisPeerOf(head)
      return peer !== undefined && names.has(peer.name) ? { ...peer, lane: peer.name } : peer
    }
  }

  /** Says which nodes there are, as soon as that is known. */
  know(nodes: () => readonly NetworkNode[]): void {
    this.#nodes = nodes
  }

  /** Puts proxies in front of a node, and gives the ports that the node is to announce. Those of one that comes again stay. */
  async announce({ name, port, busPort }: Ports): Promise<{ port: number; busPort: number }> {
    await this.#close(name)
    const data = await startTcpProxy({ targetPort: port, peerOf: this.#peerOf })
    const bus =
      busPort === undefined ? undefined : await startTcpProxy({ targetPort: busPort, peerOf: busPeerOf })
    this.#proxies.set(name, { data, bus })
    return { port: data.port, busPort: bus?.port ?? 0 }
  }

  /** The network in front of a node. */
  to({ name }: { readonly name: string }): NodeFaults {
    const { data, bus } = this.#proxiesOf(name)
    return {
      clients: data.lane('clients'),
      client: (user) => data.lane(`client:${user}`),
      replicas: data.lane('replicas'),
      sentinels: data.lane('sentinels'),
      bus: (bus ?? data).lane('bus'),
    }
  }

  /**
   * Cuts these nodes off from all other nodes and from the Sentinels, both ways, until `heal()`. Among themselves they go on, and
   * so do clients with both sides.
   */
  isolate(nodes: readonly { readonly name: string }[]): void {
    const group = new Set(nodes.map(({ name }) => name))
    for (const [name, { data, bus }] of this.#proxies) {
      const isCut = (peer: Peer): boolean =>
        !isClient(peer) && group.has(this.#nameOf(peer) ?? '') !== group.has(name)
      data.cutOff(isCut)
      bus?.cutOff(isCut)
    }
  }

  /** Nobody is cut off any more. Connections that lost bytes are reset. Faults of `to()` stay. */
  heal(): void {
    this.isolate([])
  }

  async close(): Promise<void> {
    await Promise.all([...this.#proxies.keys()].map((name) => this.#close(name)))
  }

  async #close(name: string): Promise<void> {
    const proxies = this.#proxies.get(name)
    this.#proxies.delete(name)
    await Promise.all([proxies?.data.close(), proxies?.bus?.close()])
  }

  #proxiesOf(name: string): NodeProxies {
    const proxies = this.#proxies.get(name)
    if (proxies === undefined) throw new Error(`There is no network in front of ${name}`)
    return proxies
  }

  /** The node that a connection comes from; undefined for a Sentinel. */
  #nameOf({ name }: Peer): string | undefined {
    const port = Number(/^replica:(\d+)$/.exec(name)?.[1])
    const node = this.#nodes().find((one) => one.port === port || one.clientPort === port || one.id === name)
    return node?.name
  }
}

function isClient({ lane }: Peer): boolean {
  return lane === 'clients' || lane.startsWith('client:')
}
