import { setTimeout as sleep } from 'node:timers/promises'
import { percentile } from '@timers/lab'
import { processorMs } from './processor-time.ts'
import type { Arrivals } from './receiver.ts'

/** How a number of timers that were due at once went out. */
export interface BurstResult {
  readonly perSecond: number
  /** From the earliest due time to the first arrival. */
  readonly firstMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Processor time a fire of each process that was watched, in microseconds. */
  readonly processorUs: Readonly<Record<string, number>>
}

/** Time to create so many timers ahead of their due time, in milliseconds, on a machine that is not idle. */
function leadMs(count: number): number {
  return 700 + count * 0.5
}

/** When a burst of so many that is made now should be due. */
export function burstDueAt(count: number): number {
  return Date.now() + Math.ceil(leadMs(count))
}

/** Watches the processor time of processes from just before `dueAt` on. Returns what to call at the end. */
export async function watchProcessors(
  pids: Readonly<Record<string, number>>,
  dueAt: number,
): Promise<(count: number) => Record<string, number>> {
  await sleep(Math.max(0, dueAt - Date.now() - 50))
  const before = read(pids)
  return (count) => {
    const after = read(pids)
    return Object.fromEntries(
      Object.keys(pids).map((name) => [name, (((after[name] ?? 0) - (before[name] ?? 0)) * 1_000) / count]),
    )
  }
}

function read(pids: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, processorMs(pid) ?? 0]))
}

/** @throws where a timer arrived before it was due, or one that nobody made */
export function burstResult(
  { ids, at }: Arrivals,
  dueById: ReadonlyMap<number, number>,
  processorUs: Readonly<Record<string, number>>,
): BurstResult {
  const lateness = latenessOf({ ids, at }, dueById)
  const firstDueAt = [...dueById.values()].reduce(
    (first, dueAt) => Math.min(first, dueAt),
    Number.POSITIVE_INFINITY,
  )
  const [first = 0, last = 0] = [at[0], at.at(-1)]
  return {
    perSecond: (ids.length / (last - firstDueAt)) * 1_000,
    firstMs: first - firstDueAt,
    p50Ms: percentile(lateness, 0.5),
    p99Ms: percentile(lateness, 0.99),
    maxMs: percentile(lateness, 1),
    processorUs,
  }
}

/** Arrival minus due time of each, in milliseconds. */
export function latenessOf({ ids, at }: Arrivals, dueById: ReadonlyMap<number, number>): number[] {
  return [...ids].map((id, index) => {
    const dueAt = dueById.get(id)
    const lateness = (at[index] as number) - (dueAt ?? Number.NaN)
    if (!(lateness >= 0)) throw new Error(`timer ${id} arrived ${lateness} ms after it was due`)
    return lateness
  })
}
