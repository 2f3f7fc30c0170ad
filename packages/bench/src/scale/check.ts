import type { Cost } from '../cost.ts'
import type { ScaleFigures, TopologyCost } from './scale-figures.ts'

/** Something that the plan relies on, as it would have it, and as it was measured. */
export interface Check {
  readonly what: string
  readonly unit: string
  readonly predicted: number
  readonly measured: number
}

interface Checks {
  readonly costs: readonly Check[]
  /** What is left of the throughput where a replica is waited for. */
  readonly kept: readonly Check[]
  readonly rates: readonly Check[]
}

/** What must be left of it. */
export const KEPT = 0.7
/** What the plan says of a cost must be true within this. */
export const WITHIN = 0.1

/**
 * The two premises of the plan, held against what this machine can show: that an operation costs the same however many primaries
 * there are, and that processes do as many a second as their processor time leaves room for, with nothing else in the way.
 */
export function checksOf(figures: ScaleFigures): Checks {
  const { clusters, machine, acks } = figures
  const [one] = clusters
  if (one === undefined) throw new TypeError('nothing was measured on a cluster')
  const costs = clusters.slice(1).flatMap((cluster, index) => costChecks(one, cluster, index + 2))
  const rates = [
    ...rateChecks('a single Redis', figures.single, machine.cores, 1),
    ...clusters.flatMap((cluster, index) =>
      rateChecks(primariesText(index + 1), cluster, machine.cores, index + 1),
    ),
  ]
  const [without, acked] = acks
  if (without === undefined || acked === undefined) throw new TypeError('nothing was measured with acks')
  const kept = (['create', 'fire'] as const).map((of) => ({
    what: `${of}s a second, acks 1 beside acks 0`,
    unit: '/s',
    predicted: without[of].perSecond,
    measured: acked[of].perSecond,
  }))
  return { costs, kept, rates }
}

function costChecks(one: TopologyCost, more: TopologyCost, primaries: number): Check[] {
  const check = (what: string, of: (cost: TopologyCost) => number): Check => ({
    what: `${what} on ${primariesText(primaries)}`,
    unit: 'us',
    predicted: of(one),
    measured: of(more),
  })
  return [
    check('create, Redis and API', ({ create }) => create.redisUs + create.apiUs),
    check('fire, Redis and worker', ({ fire }) => fire.redisUs + fire.workerUs),
    check('fire at a steady rate, Redis', ({ steadyFire }) => steadyFire.redisUs),
  ]
}

function rateChecks(
  where: string,
  { create, fire }: TopologyCost,
  cores: number,
  primaries: number,
): Check[] {
  const check = (what: string, cost: Cost): Check => ({
    what: `${what} on ${where}`,
    unit: '/s',
    predicted: mostPerSecond(cost, cores, primaries),
    measured: cost.perSecond,
  })
  return [check('creates', create), check('fires', fire)]
}

/** What one service process, so many primaries, and a machine of so many cores that they share with the bench leave room for. */
export function mostPerSecond(cost: Cost, cores: number, primaries: number): number {
  const { redisUs, replicaUs, apiUs, workerUs, benchUs } = cost
  const all = redisUs + replicaUs + apiUs + workerUs + benchUs
  return Math.min(1e6 / Math.max(apiUs, workerUs), (primaries * 1e6) / redisUs, (cores * 1e6) / all)
}

/** By how much the measured differs from what the plan has: 0.1 is a tenth more. */
export function deviationOf({ predicted, measured }: Check): number {
  return measured / predicted - 1
}

function primariesText(primaries: number): string {
  return primaries === 1 ? '1 primary' : `${primaries} primaries`
}
