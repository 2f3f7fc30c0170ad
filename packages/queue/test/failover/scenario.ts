/** What happens to a primary. */
export const FAULTS = ['killed', 'frozen', 'cut off', 'planned'] as const
type Fault = (typeof FAULTS)[number]

export interface Scenario {
  readonly by: 'sentinel' | 'cluster'
  readonly fault: Fault
  readonly replicas: 1 | 2
  readonly acks: number
  /** Slowness of the way from the primary to its replicas, in milliseconds. */
  readonly lagMs?: number
  /** Whether a primary alone refuses writes (min-replicas-to-write 1); default: yes. */
  readonly settled?: boolean
}

/** What came of it. */
export interface Outcome {
  readonly acknowledged: number
  /** Creates that were answered with an error. */
  readonly refused: number
  /** Acknowledged, and never sent. */
  readonly lost: number
  /** Sent twice. */
  readonly doubled: number
  /** Sent before their time. */
  readonly early: number
  /** Those that ended as `unknown`; and those of them that were not under way as it happened. */
  readonly unknown: number
  readonly strange: number
  /** From the fault to when the successor says that it is primary, in milliseconds. */
  readonly promotedMs: number
  /** From then to when all Sentinels, or nodes, name it. */
  readonly namedMs: number
  /** From then to when it has as many replicas as acks: before that no create can be confirmed. */
  readonly coveredMs: number
  /** From the promotion to the first answer to a read that was asked after it. */
  readonly readsBackMs: number
  /** From when it has the replicas, too, to the first create that was acknowledged. */
  readonly createsBackMs: number
  /** The same to the first request of the shard that took longest. */
  readonly firesBackMs: number
}

export function nameOf({ by, fault, replicas, acks, lagMs = 0, settled = true }: Scenario): string {
  const others = `${replicas} replica${replicas === 1 ? '' : 's'}`
  const slow = lagMs === 0 ? '' : `, ${lagMs} ms away`
  return `${by}, ${others}${slow}, acks ${acks}${settled ? '' : ', no min-replicas'}: primary ${fault}`
}

/** What must come of it where acks cover all replicas. */
export const FLAWLESS = { lost: 0, doubled: 0, early: 0, strange: 0 } as const

/** How soon reads must be back after the promotion, and the others once enough replicas follow the new primary; in milliseconds. */
export const BACK_WITHIN_MS = 1_000
