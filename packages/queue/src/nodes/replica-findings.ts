import { type RedisInfo, replicasOf } from './redis-info.ts'
import type { RedisFinding } from './redis-inspection.ts'

/** What is asked of the replicas of a server. */
export interface ReplicaRule {
  /** How many replicas must have a write before it counts (`REDIS_REPLICA_ACKS`). */
  readonly acks: number
  /** Whether a primary that is cut off from its replicas refuses writes by itself: on a cluster it does. */
  readonly refusesAlone: boolean
}

/**
 * What `REDIS_REPLICA_ACKS` means with the replicas that are there (docs/failover.md).
 *
 * The rule: acks must cover every replica that may be promoted. A failover picks one of them, and an acknowledgement of another
 * is worth nothing then. Redis says how many replicas have a write, and not which: so they cover one only where they cover all
 * that are there, also those that are never promoted.
 *
 * @param info what the server tells of itself
 * @param minReplicas its setting `min-replicas-to-write`; undefined where it does not show it
 */
export function replicaFindings(
  info: RedisInfo,
  minReplicas: string | undefined,
  { acks, refusesAlone }: ReplicaRule,
): RedisFinding[] {
  const seen = replicasOf(info).filter(({ online }) => online).length
  const findings: RedisFinding[] = []
  const say = (severity: RedisFinding['severity'], message: string) => findings.push({ severity, message })
  if (acks === 0 && seen === 0) {
    say('choice', 'no replica is connected: whoever loses the disk of this Redis loses all timers on it')
  } else if (acks === 0) {
    say(
      'choice',
      `REDIS_REPLICA_ACKS is 0 with ${replicasText(seen)}: a failover may lose acknowledged timers and send others twice; set it to the number of replicas`,
    )
  } else if (acks > seen) {
    say(
      'unsafe',
      `REDIS_REPLICA_ACKS is ${acks} with ${replicasText(seen)}: creates and changes are refused, and nothing is sent, until ${acks} are connected`,
    )
  } else if (acks < seen) {
    say(
      'advice',
      `REDIS_REPLICA_ACKS is ${acks} with ${replicasText(seen)}: acks must cover every replica that may be promoted, and any ${acks} of these may be the ones that confirm; set it to ${seen}, or a failover may lose and double timers`,
    )
  }
  if (acks <= seen && Number(minReplicas ?? 0) > seen) {
    say(
      'unsafe',
      `min-replicas-to-write is ${minReplicas} with ${replicasText(seen)}: Redis refuses creates and changes, and nothing is sent, until ${minReplicas} are connected`,
    )
  }
  if (seen > 0 && !refusesAlone && minReplicas === '0') {
    say(
      'choice',
      'min-replicas-to-write is 0: a primary that is cut off from its replicas goes on as if it were the only one; set it to 1, and min-replicas-max-lag to 2',
    )
  }
  return findings
}

function replicasText(count: number): string {
  if (count === 0) return 'no replica connected'
  return count === 1 ? '1 replica connected' : `${count} replicas connected`
}
