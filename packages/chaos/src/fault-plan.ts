import { FAULT_KINDS, type FaultKind, kindsOfLane, type Lane, type RedisKind } from './fault-kinds.ts'
import { Random } from './random.ts'

export const API_SLOTS = ['api-1', 'api-2'] as const
export const WORKER_SLOTS = ['worker-1', 'worker-2', 'worker-3'] as const
export type Slot = (typeof API_SLOTS)[number] | (typeof WORKER_SLOTS)[number]
export const SLOTS: readonly Slot[] = [...API_SLOTS, ...WORKER_SLOTS]

/** A fault that is going to happen. Times are milliseconds after the start of the load. */
export interface PlannedFault {
  readonly kind: FaultKind
  readonly atMs: number
  readonly lastsMs: number
  /** Processes that it concerns; empty: Redis itself. */
  readonly slots: readonly Slot[]
  /** Something for the fault to choose by, in [0, 1): how late bytes come, how much room is left... */
  readonly dice: number
  /** The same, for the node that it is done to: nobody knows before who is what by then. */
  readonly node: number
}

/** Shortest and longest pause between the faults of a lane in a run of ten minutes. */
const PAUSES_MS: Readonly<Record<Lane, readonly [number, number]>> = {
  api: [15_000, 45_000],
  worker: [10_000, 35_000],
  redis: [8_000, 30_000],
  rewrite: [15_000, 60_000],
  shards: [60_000, 150_000],
  network: [8_000, 30_000],
}
/** Where there are several nodes: time for them to come to full strength again. */
const NODE_PAUSES_MS = [6_000, 16_000] as const
const FIRST_AT_MS = 3_000
/** Shorter runs have shorter pauses, so that they see something, but never less than this part of them. */
const LEAST_PACE = 0.5
const FULL_PACE_MS = 600_000

/** The faults of a run, in the order of their times: from the seed alone. */
export function planFaults(
  seed: string,
  enabled: readonly FaultKind[],
  untilMs: number,
  redis: RedisKind = 'single',
): PlannedFault[] {
  const pausesOf = (lane: Lane) => (lane === 'redis' && redis !== 'single' ? NODE_PAUSES_MS : PAUSES_MS[lane])
  const lanes: [Lane, string, (random: Random) => readonly Slot[]][] = [
    ...API_SLOTS.map((slot): [Lane, string, () => readonly Slot[]] => ['api', slot, () => [slot]]),
    ...WORKER_SLOTS.map((slot): [Lane, string, () => readonly Slot[]] => ['worker', slot, () => [slot]]),
    ['redis', 'redis', () => []],
    ['rewrite', 'rewrite', () => []],
    ['shards', 'shards', () => []],
    ['network', 'network-1', anySlots],
    ['network', 'network-2', anySlots],
  ]
  return lanes
    .flatMap(([lane, name, slots]) => {
      const nodes = new Random(seed, `${name}-nodes`)
      const planned = planLane(lane, new Random(seed, name), slots, enabled, untilMs, pausesOf(lane))
      return planned.map((fault) => ({ ...fault, node: nodes.next() }))
    })
    .sort((a, b) => a.atMs - b.atMs)
}

function planLane(
  lane: Lane,
  random: Random,
  slots: (random: Random) => readonly Slot[],
  enabled: readonly FaultKind[],
  untilMs: number,
  [shortest, longest]: readonly [number, number],
): Omit<PlannedFault, 'node'>[] {
  const kinds = kindsOfLane(lane, enabled)
  if (kinds.length === 0) return []
  const pace = Math.min(1, Math.max(LEAST_PACE, untilMs / FULL_PACE_MS))
  const pause = (): number => Math.round(random.integer(shortest, longest) * pace)
  const planned: Omit<PlannedFault, 'node'>[] = []
  // Each kind once before one comes again: a short run sees many of them.
  let bag: FaultKind[] = []
  for (let atMs = FIRST_AT_MS + Math.round(pause() * random.next()); ; ) {
    if (bag.length === 0) bag = random.shuffled(kinds)
    const kind = bag.pop() as FaultKind
    const [least, most] = FAULT_KINDS[kind].lastsMs
    const lastsMs = random.integer(least, most)
    if (atMs + lastsMs > untilMs) return planned
    planned.push({ kind, atMs, lastsMs, slots: slots(random), dice: random.next() })
    atMs += lastsMs + pause()
  }
}

/** All processes, one, or some. */
function anySlots(random: Random): readonly Slot[] {
  const many = random.weighted({ all: 3, one: 5, some: 2 })
  if (many === 'all') return SLOTS
  return random.shuffled(SLOTS).slice(0, many === 'one' ? 1 : random.integer(2, 3))
}
