import type { FaultKind, RedisKind } from './fault-kinds.ts'
import { type PlannedFault, planFaults } from './fault-plan.ts'
import { type PlannedBatch, type PlannedKey, type PlannedSweep, planGroups } from './group-plan.ts'
import { planLives } from './life-plan.ts'
import {
  type PlannedClosing,
  type PlannedCreate,
  type PlannedRedrive,
  planClosings,
  planCreates,
  planRedrives,
} from './load-plan.ts'

/** A whole run before it begins: purely from the seed and the settings. */
export interface Plan {
  readonly seed: string
  readonly loadMs: number
  readonly faults: readonly PlannedFault[]
  /** Timers that are created alone, and after them those of the groups. */
  readonly creates: readonly PlannedCreate[]
  /** How many are created alone. */
  readonly alone: number
  readonly keys: readonly PlannedKey[]
  readonly batches: readonly PlannedBatch[]
  readonly sweeps: readonly PlannedSweep[]
  readonly closings: readonly PlannedClosing[]
  readonly redrives: readonly PlannedRedrive[]
}

export interface PlanSettings {
  readonly seed: string
  readonly minutes: number
  readonly ratePerSecond: number
  readonly faults: readonly FaultKind[]
  /** Default: a single one. */
  readonly redis?: RedisKind
}

/** The last part of the load is free of faults: to see that the service has recovered by itself. */
const CALM_MS = { least: 11_000, most: 15_000, part: 1 / 4 }

export function makePlan({ seed, minutes, ratePerSecond, faults, redis }: PlanSettings): Plan {
  const loadMs = Math.round(minutes * 60_000)
  const calmMs = Math.max(CALM_MS.least, Math.min(CALM_MS.most, loadMs * CALM_MS.part))
  const faultsUntilMs = Math.max(0, loadMs - calmMs)
  const alone = planLives(seed, planCreates(seed, ratePerSecond, loadMs))
  const groups = planGroups(seed, ratePerSecond, loadMs, alone.length)
  return {
    seed,
    loadMs,
    faults: planFaults(seed, faults, faultsUntilMs, redis),
    ...groups,
    creates: [...alone, ...groups.creates],
    alone: alone.length,
    closings: planClosings(seed, faultsUntilMs),
    redrives: planRedrives(seed, ratePerSecond, loadMs, faultsUntilMs),
  }
}
