import type { Address } from '@timers/core'
import type { Redis } from 'ioredis'
import { readClusterNodes } from './cluster-nodes.ts'
import { type ConnectionOptions, connect, type Endpoint } from './redis-client.ts'
import type { ReplicaRule } from './replica-findings.ts'

/**
 * What is asked of the replicas of a server. How many of them a failover may promote is asked of those who know it: of a node
 * of a cluster (`cluster-replica-no-failover`), or of the replicas under Sentinels themselves (`replica-priority 0`). Behind a single
 * address whoever promotes decides, so all count.
 */
export function replicaRuleOf(
  acks: number,
  endpoint: Endpoint,
  redis: Redis,
  options: ConnectionOptions,
): ReplicaRule {
  switch (endpoint.kind) {
    case 'sentinel':
      return {
        acks,
        refusesAlone: false,
        promotable: (replicas) => countOf(replicas, (each) => hasPriority(each, endpoint, options)),
      }
    case 'node':
      return { acks, refusesAlone: true, promotable: () => promotableInCluster(redis, endpoint.address) }
    default:
      return { acks, refusesAlone: false, promotable: async (replicas) => replicas.length }
  }
}

async function countOf<T>(things: readonly T[], holds: (thing: T) => Promise<boolean>): Promise<number> {
  const answers = await Promise.all(things.map(holds))
  return answers.filter(Boolean).length
}

/** One that does not tell counts: the rule must hold whatever it is. */
async function hasPriority(
  address: Address,
  { access }: Extract<Endpoint, { readonly kind: 'sentinel' }>,
  options: ConnectionOptions,
): Promise<boolean> {
  // What is not heard of it is no trouble of ours.
  const log = { ...options.log, warn() {}, info() {} }
  const redis = connect({ kind: 'node', address, access }, 'reader', { ...options, log })
  try {
    await new Promise<void>((resolve) => {
      redis.once('ready', resolve)
      redis.once('error', () => resolve())
    })
    return !/^slave_priority:0\r?$/m.test(await redis.info('replication'))
  } catch {
    return true
  } finally {
    redis.disconnect()
  }
}

async function promotableInCluster(redis: Redis, address: Address): Promise<number> {
  const nodes = readClusterNodes(String(await redis.cluster('NODES')), address)
  const me = nodes.find(({ myself }) => myself)
  return nodes.filter(({ primaryId, failing, noFailover }) => primaryId === me?.id && !failing && !noFailover)
    .length
}
