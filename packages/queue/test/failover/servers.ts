import {
  eventually,
  type NodeNetwork,
  startTestCluster,
  startTestSentinel,
  type TestCluster,
  type TestSentinel,
} from '@timers/lab'
import { onlineReplicas } from '../../src/nodes/replica-findings.ts'
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
  stop(): Promise<void>
}

/** Starts them as docs/failover.md says. */
export async function startServers(scenario: Scenario): Promise<Servers> {
  const { by, lagMs = 0 } = scenario
  const servers = await (by === 'cluster' ? startCluster(scenario) : startSentinel(scenario))
  servers.network.to(servers.victim).replicas.setDelay(lagMs)
  return servers
}

async function startSentinel({ replicas, spare = false, settled = true }: Scenario): Promise<Servers> {
  const minReplicas = settled ? { minReplicasToWrite: 1, minReplicasMaxLagSeconds: 2 } : {}
  const sentinel = await startTestSentinel({ replicas, network: true, ...minReplicas })
  const { redis, url, network } = sentinel
  const victim = await redis.primary()
  const heirs = await redis.replicas()
  if (spare) {
    await heirs[0]?.command('CONFIG', 'SET', 'replica-priority', '0')
    // Sentinels ask every ten seconds.
    const known = async () =>
      expect(
        JSON.stringify(await redis.sentinels[0]?.command('SENTINEL', 'REPLICAS', redis.primaryName)),
      ).toContain('"slave-priority","0"')
    await eventually(known, { timeoutMs: 15_000 })
  }
  const failover = () => redis.failover()
  return { url, network, victim, heirs, failover, stop: () => sentinel.stop() }
}

async function startCluster({ replicas, spare = false }: Scenario): Promise<Servers> {
  const cluster = await startTestCluster({ replicas, network: true })
  const { redis, url, network } = cluster
  // Shard 1 of four: this primary has two.
  const victim = await redis.ownerOfKey('{1}')
  const heirs = await redis.replicasOf(victim)
  if (spare) await heirs[0]?.command('CONFIG', 'SET', 'cluster-replica-no-failover', 'yes')
  const failover = () => redis.failover(victim, heirs.at(-1) as ClusterNode)
  return { url, network, victim, heirs, failover, stop: () => cluster.stop() }
}

/** When one of the heirs is primary, and when it has so many replicas; by `performance.now()`. */
export interface Succession {
  promotedAt: number
  coveredAt: number
}

/** Watches who takes over, until `stop`. */
export function watchSuccession(heirs: readonly ServerNode[], replicas: number) {
  const seen: Succession = { promotedAt: Number.NaN, coveredAt: Number.NaN }
  let over = false
  const look = async (node: ServerNode): Promise<void> => {
    const info = await node.info('replication').catch(() => new Map<string, string>())
    if (info.get('role') !== 'master') return
    if (Number.isNaN(seen.promotedAt)) seen.promotedAt = performance.now()
    const online = onlineReplicas(Object.fromEntries(info)).length
    if (online >= replicas && Number.isNaN(seen.coveredAt)) seen.coveredAt = performance.now()
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
