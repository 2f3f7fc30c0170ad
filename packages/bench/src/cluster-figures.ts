import type { Cost } from './cost.ts'
import { type Figure, figure } from './figure.ts'
import type { ClusterRepeat } from './measures/cluster.ts'
import { KEPT, WITHIN } from './scale/check.ts'
import { STEADY_PER_PRIMARY } from './scale/scale-figures.ts'

/** How flat a cost must stay when primaries are added. */
const FLAT = 1 + WITHIN

type Part = (cost: Cost) => number

const api: Part = ({ redisUs, apiUs }) => redisUs + apiUs
const worker: Part = ({ redisUs, workerUs }) => redisUs + workerUs
const redis: Part = ({ redisUs }) => redisUs

/** Costs on 1, 2 and 3 primaries, each beside one primary; and one primary beside a single Redis. */
export function topologyFigures(results: readonly ClusterRepeat[]): Figure[] {
  const rows = [
    { what: 'create, Redis and API', of: 'create', part: api, flat: true },
    { what: 'create, Redis alone', of: 'create', part: redis, flat: false },
    { what: 'fire, Redis and worker', of: 'fire', part: worker, flat: true },
    { what: 'fire, Redis alone, all due at once', of: 'fire', part: redis, flat: false },
    {
      what: `fire, Redis alone, ${STEADY_PER_PRIMARY}/s for each primary`,
      of: 'steadyFire',
      part: redis,
      flat: true,
    },
  ] as const
  return rows.flatMap(({ what, of, part, flat }) => {
    const on = (primaries: number) =>
      results.map(({ clusters }) => part((clusters[primaries - 1] as (typeof clusters)[number])[of]))
    const single = results.map((result) => part(result.single[of]))
    return [
      figure({
        what: `cost of a ${what}, 1 primary`,
        unit: 'us',
        values: on(1),
        reference: { what: 'single Redis', values: single },
      }),
      ...[2, 3].map((primaries) =>
        figure({
          what: `cost of a ${what}, ${primaries} primaries`,
          unit: 'us',
          values: on(primaries),
          reference: { what: '1 primary', values: on(1) },
          ...(flat && { goal: { on: 'ratio', atMost: FLAT } as const }),
        }),
      ),
    ]
  })
}

/** Throughput, processor time and bytes with a replica that is waited for, beside one that is not. */
export function acksFigures(results: readonly ClusterRepeat[]): Figure[] {
  const rows = (['create', 'fire'] as const).flatMap((of) => {
    const part = of === 'create' ? api : worker
    const values = (acks: number, what: Part) =>
      results.map((result) => what((result.acks[acks] as ClusterRepeat['acks'][number])[of]))
    const beside = (what: string, unit: string, each: Part, goal?: number) =>
      figure({
        what,
        unit,
        values: values(1, each),
        reference: { what: 'acks 0', values: values(0, each) },
        ...(goal !== undefined && { goal: { on: 'ratio', atLeast: goal } as const }),
      })
    return [
      beside(`${of}s, acks 1`, '/s', ({ perSecond }) => perSecond, KEPT),
      beside(`cost of a ${of}, Redis and ${of === 'create' ? 'API' : 'worker'}, acks 1`, 'us', part),
      beside(`cost of a ${of}, the replica, acks 1`, 'us', ({ replicaUs }) => replicaUs),
      beside(`bytes of a ${of} to the replica, acks 1`, 'B', ({ replicationBytes }) => replicationBytes),
    ]
  })
  return rows
}
