import { asArguments } from '../node-security.ts'
import { fieldsOf, type NodeSettings, RedisNode, type RedisNodeOptions } from '../redis-node.ts'
import { type ClusterView, parseMembers } from './cluster-view.ts'

/** How long a node may take to tell how it sees the cluster: a frozen one never does. */
const VIEW_TIMEOUT_MS = 1_000

export interface ClusterNodeOptions extends RedisNodeOptions {
  readonly busPort: number
  /** Where the other nodes find its bus; differs from `busPort` where a proxy stands in between. */
  readonly announcedBusPort: number
  /** Where other nodes bring keys to: the port for TLS where they speak it among themselves. */
  readonly migrationPort: number
  /** Settings besides ports and folder, one a line. */
  readonly lines: readonly (readonly string[])[]
}

/** A node of a Redis Cluster. What it knows of the others lives in its data folder. */
export class ClusterNode extends RedisNode {
  readonly busPort: number
  readonly announcedBusPort: number
  readonly migrationPort: number
  readonly #lines: readonly (readonly string[])[]
  #id: string | undefined

  constructor(options: ClusterNodeOptions) {
    super(options)
    this.busPort = options.busPort
    this.announcedBusPort = options.announcedBusPort
    this.migrationPort = options.migrationPort
    this.#lines = options.lines
  }

  /** The name by which the cluster knows it. A wiped node has another one after its next start. */
  get id(): string {
    if (this.#id === undefined) throw new Error(`${this.name} has not been started yet`)
    return this.#id
  }

  override async start(): Promise<void> {
    await super.start()
    this.#id = String(await this.command('CLUSTER', 'MYID'))
  }

  /** The cluster as this node sees it. */
  async view(): Promise<ClusterView> {
    const [info = '', nodes] = await this.commands(
      [
        ['CLUSTER', 'INFO'],
        ['CLUSTER', 'NODES'],
      ],
      VIEW_TIMEOUT_MS,
    )
    const fields = fieldsOf(info)
    return {
      isOk: fields.get('cluster_state') === 'ok',
      epoch: Number(fields.get('cluster_current_epoch')),
      members: parseMembers(String(nodes)),
    }
  }

  /** Whether it replicates and has caught up with its primary, or is a primary. */
  async isInStep(): Promise<boolean> {
    const info = await this.info('replication')
    return info.get('role') === 'master' || info.get('master_link_status') === 'up'
  }

  /** Makes it known to another one; both then tell it to the rest. */
  async meet(other: ClusterNode): Promise<void> {
    const [port, busPort] = [String(other.clientPort), String(other.announcedBusPort)]
    await this.command('CLUSTER', 'MEET', '127.0.0.1', port, busPort)
  }

  protected override settings(): NodeSettings {
    return {
      extraArgs: asArguments([
        ['cluster-enabled', 'yes'],
        ['cluster-config-file', 'nodes.conf'],
        ['cluster-port', String(this.busPort)],
        ['cluster-announce-ip', '127.0.0.1'],
        ...this.#lines,
      ]),
    }
  }
}
