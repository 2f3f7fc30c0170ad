import type { Assumptions } from './plan.ts'
import type { UnitCosts } from './unit-costs.ts'

/** Bytes a second that a primary's disk and network are given: a common SSD, and 10 Gbit. */
const DISK_BYTES = 200e6
const NETWORK_BYTES = 1.25e9

export interface Limit {
  readonly what: string
  /** Most timers a second, created and fired, before it is reached. */
  readonly perSecond: number
}

/** What a process, and a primary, can do at most, the narrowest first, where fired timers are kept for so long. Pure. */
export function limitsOf(costs: UnitCosts, keptSeconds: number, assumptions: Assumptions): Limit[] {
  const { nodeGiB, replicas } = assumptions
  const limits = [
    { what: 'one worker process', perSecond: 1e6 / costs.fireWorkerUs },
    { what: 'one API process', perSecond: 1e6 / costs.createApiUs },
    { what: "a primary's core", perSecond: 1e6 / (costs.createRedisUs + costs.fireRedisUs) },
    {
      what: `a primary's memory, ${nodeGiB} GiB of fired timers`,
      perSecond: (nodeGiB * 2 ** 30) / (costs.firedBytes * keptSeconds),
    },
    { what: "a primary's disk, 200 MB/s", perSecond: DISK_BYTES / costs.diskBytes },
    {
      what: "a primary's network, 10 Gbit/s",
      perSecond: NETWORK_BYTES / (costs.wireBytes + replicas * costs.replicationBytes),
    },
  ]
  return limits.sort((a, b) => a.perSecond - b.perSecond)
}
