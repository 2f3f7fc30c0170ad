import type { NodeSecurity } from '../node-security.ts'
import type { RedisExit } from '../redis-server.ts'

/** The port at which the others find a node. */
interface NodePort {
  readonly port: number
}

export interface LocalSentinelOptions extends NodeSecurity {
  /** Where every process has its folder; the same folder gives the same ones again, whatever `replicas` says then. */
  readonly dataDir: string
  /** Default: 1. */
  readonly replicas?: number
  /** After how long of silence a Sentinel takes a node for gone. Default: 1000. */
  readonly downAfterMs?: number
  /** Without so many replicas that are in step the primary refuses to write. Default: 0, it always writes. */
  readonly minReplicasToWrite?: number
  /** How old the last sign of a replica may be that counts for `minReplicasToWrite`. Default: Redis' own, 10. */
  readonly minReplicasMaxLagSeconds?: number
  /** More settings of every node, one a line: `[['maxmemory', '50mb']]`. */
  readonly nodeSettings?: readonly (readonly string[])[]
  /** In process groups of their own, so that Ctrl-C in a terminal reaches only us. */
  readonly detached?: boolean
  /** Puts something between a node and all others, Sentinels, replicas and clients; gives the port at which they find it then. */
  readonly announce?: (node: NodePort & { readonly name: string }) => Promise<NodePort>
  /** Told when a process ends and nobody here has asked it to. */
  readonly onCrash?: (name: string, exit: RedisExit) => void
}
