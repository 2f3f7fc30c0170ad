import type { NodeSecurity } from '../node-security.ts'
import type { RedisExit } from '../redis-server.ts'

/** The ports at which the others find a node. */
export interface NodePorts {
  readonly port: number
  readonly busPort: number
}

export interface LocalClusterOptions extends NodeSecurity {
  /** Where every node has its folder; the same folder gives the same cluster again, whatever `primaries` and `replicas` say then. */
  readonly dataDir: string
  /** Default: 3. */
  readonly primaries?: number
  /** Of each primary; default: 1. */
  readonly replicas?: number
  /** After how long of silence a node counts as gone. Default: 2000. */
  readonly nodeTimeoutMs?: number
  /** Without so many replicas that are in step a primary refuses to write. Default: 0, it always writes. */
  readonly minReplicasToWrite?: number
  /** How old the last sign of a replica may be that counts for `minReplicasToWrite`. Default: Redis' own, 10. */
  readonly minReplicasMaxLagSeconds?: number
  /** More settings of every node, as on redis-server's command line. */
  readonly extraArgs?: readonly string[]
  /** In process groups of their own, so that Ctrl-C in a terminal reaches only us. */
  readonly detached?: boolean
  /** Puts something between a node and all others, clients and nodes alike; gives the ports at which they find the node then. */
  readonly announce?: (node: NodePorts & { readonly name: string }) => Promise<NodePorts>
  /** Told when a node ends and nobody here has asked it to. */
  readonly onCrash?: (name: string, exit: RedisExit) => void
}

/** The settings of a node that are the same for all, one a line. */
export function sharedLines(options: LocalClusterOptions): string[][] {
  const {
    nodeTimeoutMs = 2_000,
    minReplicasToWrite = 0,
    minReplicasMaxLagSeconds = 10,
    extraArgs = [],
  } = options
  return [
    ['cluster-node-timeout', String(nodeTimeoutMs)],
    // A part that is lost must not take the others with it.
    ['cluster-require-full-coverage', 'no'],
    // A replica stays with its primary: who replicates whom is ours to say.
    ['cluster-allow-replica-migration', 'no'],
    ['repl-diskless-sync-delay', '0'],
    ['min-replicas-to-write', String(minReplicasToWrite)],
    ['min-replicas-max-lag', String(minReplicasMaxLagSeconds)],
    ...linesOf(extraArgs),
  ]
}

/** Settings of a command line, one a line. */
function linesOf(args: readonly string[]): string[][] {
  const lines: string[][] = []
  for (const arg of args) {
    if (arg.startsWith('--')) lines.push([arg.slice(2)])
    else lines.at(-1)?.push(arg)
  }
  return lines
}
