import {
  type NodeNetwork,
  startTestCluster,
  startTestSentinel,
  type TestCluster,
  type TestSentinel,
} from '@timers/lab'
import { replicasOf } from '../../src/nodes/redis-info.ts'
import type { Scenario } from './scenario.ts'

type SentinelNode = TestSentinel['redis']['nodes'][number]
type ClusterNode = TestCluster['redis']['nodes'][number]
type ServerNode = SentinelNode | ClusterNode

/** Redis with replicas, one primary of which comes to grief. */
export interface Servers {
  readonly url: string
  readonly network: NodeNetwork
  /** The primary that it happens to. */
  readonly victim: ServerNode
  /** Its replicas. */
  readonly heirs: readonly ServerNode[]
  failover(): Promise<unknown>
  /** Resolves when clients can know who has taken over: every Sentinel, or node, that answers names it. */
  named(): Promise<unknown>
  stop(): Promise<void>
}

const NAMED_WITHIN_MS = 30_000

/** Starts them as docs/failover.md says. */
export async function startServers(scenario: Scenario): Promise<Servers> {
  const { by, lagMs = 0 } = scenario
  const servers = await (by === 'cluster' ? startCluster(scenario) : startSentinel(scenario))
  servers.network.to(servers.victim).replicas.setDelay(lagMs)
  return servers
}

async function startSentinel({ replicas, settled = true }: Scenario): Promise<Servers> {
  const minReplicas = settled ? { minReplicasToWrite: 1, minReplicasMaxLagSeconds: 2 } : {}
  const sentinel = await startTestSentinel({ replicas, network: true, ...minReplicas })
  const { redis, url, network } = sentinel
  const victim = await redis.primary()
  const heirs = await redis.replicas()
  const failover = () => redis.failover()
  const named = () => redis.successorOf(victim, NAMED_WITHIN_MS)
  return { url, network, victim, heirs, failover, named, stop: () => sentinel.stop() }
}

async function startCluster({ replicas }: Scenario): Promise<Servers> {
  const cluster = await startTestCluster({ replicas, network: true })
  const { redis, url, network } = cluster
  // Shard 1 of four: this primary has two.
  const victim = await redis.ownerOfKey('{1}')
  const heirs = await redis.replicasOf(victim)
  const failover = () => redis.failover(victim, heirs.at(-1) as ClusterNode)
  const named = () => redis.successorOf(victim, heirs)
  return { url, network, victim, heirs, failover, named, stop: () => cluster.stop() }
}

/**
 * When one of the heirs is primary, when all know it, and when it has so many replicas besides; by `performance.now()`.
 */
export interface Succession {
  promotedAt: number
  namedAt: number
  coveredAt: number
}

/** Watches who takes over, until `stop`. */
export function watchSuccession(heirs: readonly ServerNode[], replicas: number) {
  const seen: Succession = { promotedAt: Number.NaN, namedAt: Number.NaN, coveredAt: Number.NaN }
  let over = false
  const look = async (node: ServerNode): Promise<void> => {
    const info = await node.info('replication').catch(() => new Map<string, string>())
    if (info.get('role') !== 'master') return
    if (Number.isNaN(seen.promotedAt)) seen.promotedAt = performance.now()
    const online = replicasOf(Object.fromEntries(info)).filter(({ online }) => online)
    if (online.length >= replicas && Number.isNaN(seen.coveredAt)) seen.coveredAt = performance.now()
  }
  const watching = (async () => {
    while (!over) {
      await Promise.all(heirs.map(look))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  const stop = async () => {
    over = true
    await watching
  }
  return { seen, stop }
}
