import type { NodeSecurity } from '../node-security.ts'
import { securityLines } from '../node-security.ts'
import { type NodeSettings, RedisNode, type RedisNodeOptions } from '../redis-node.ts'
import { REPOSITORY_CONFIG } from '../redis-server.ts'
import { ensureConfigFile } from './config-file.ts'

export interface SentinelNodeOptions extends RedisNodeOptions, NodeSecurity {
  readonly tlsPort: number | undefined
  /** Settings besides ports, folder and security, one a line. */
  readonly lines: readonly (readonly string[])[]
  /** Whom an empty one replicates: a port, or undefined where it is the primary itself. Asked when it has no data. */
  readonly primaryPort: () => Promise<number | undefined>
}

/** A Redis that Sentinels watch: primary or replica, as they decide. Its folder remembers which. */
export class SentinelNode extends RedisNode {
  readonly #options: SentinelNodeOptions

  constructor(options: SentinelNodeOptions) {
    super(options)
    this.#options = options
  }

  /** Whether it replicates and has caught up with its primary, or is the primary. */
  async isInStep(): Promise<boolean> {
    const info = await this.info('replication')
    return info.get('role') === 'master' || info.get('master_link_status') === 'up'
  }

  protected override async settings(): Promise<NodeSettings> {
    const { tlsPort, lines, primaryPort } = this.#options
    const configFile = await ensureConfigFile(this.dataDir, async () => {
      const primary = await primaryPort()
      return [
        ['include', REPOSITORY_CONFIG],
        ['replica-announce-ip', '127.0.0.1'],
        ['replica-announce-port', String(this.clientPort)],
        ...securityLines(this.#options, tlsPort),
        ...lines,
        ...(primary === undefined ? [] : [['replicaof', '127.0.0.1', String(primary)]]),
      ]
    })
    return { configFile, extraArgs: [] }
  }
}
