import { spreadOf } from '@timers/lab'
import { acksFigures, topologyFigures } from '../cluster-figures.ts'
import { type Cost, meanOf } from '../cost.ts'
import { type DeployedService, Deployment, type Topology } from '../deployment.ts'
import { inTurn, sliceOf } from '../in-turn.ts'
import { CONNECTIONS, LoadGenerator } from '../load.ts'
import { measure, type Scale, SETTINGS } from '../measure.ts'
import {
  createCost,
  createSlices,
  fireCost,
  type Hands,
  meanFireCost,
  type On,
  warmUp,
} from '../operation-costs.ts'
import { Receiver } from '../receiver.ts'
import { type AckedCost, STEADY_PER_PRIMARY, type TopologyCost } from '../scale/scale-figures.ts'
import { TimerSeeder } from '../timer-seeder.ts'

/** As many for 1, 2 and 3 primaries. */
const SHARDS = 12
/** Over so many seconds the steady timers fall due. */
const STEADY_SECONDS = 4
/** In how many slices the creates of a repeat are made, and the fires; and how often a steady load falls due. */
const SLICES = { creates: 8, fires: 4, steady: 2 } as const

const PRIMARIES = [1, 2, 3] as const

/** One repeat: all topologies, in turn. */
export interface ClusterRepeat {
  readonly single: TopologyCost
  readonly clusters: readonly TopologyCost[]
  /** By the number of acks. */
  readonly acks: readonly AckedCost[]
}

/** A topology with its services, and how many clients it has. */
interface Stage {
  readonly on: On
  readonly api: DeployedService
  readonly hands: Hands
  readonly primaries: number
}

/**
 * What a create and a fire cost on a single Redis, on 1, 2 and 3 primaries, and where a replica must have them. Throughput
 * cannot grow here, where all share the same few cores: what is held flat is the processor time of each.
 *
 * The topologies run side by side and take turns, slice by slice: what the same work costs changes by a third from one minute to
 * the next on a machine whose cores are shared with others.
 */
export const cluster = measure('cluster', async (bench) => {
  const { use, newFolder, scale } = bench
  const load = await use(new LoadGenerator())
  const receiver = await use(Receiver.start())
  let folders = 0
  const start = (topology: Topology, shards: number) => {
    folders += 1
    return Deployment.start({ topology, shards, folder: newFolder(`cluster-${folders}`), env: SETTINGS })
  }
  const onOf = (deployment: Deployment): On => ({ deployment, load, receiver, scale: scale.costs })
  const stageOf = async (topology: Topology, shards: number): Promise<Stage> => {
    const deployment = await use(start(topology, shards))
    const [api, worker] = [await deployment.startService('api'), await deployment.startService('worker')]
    const seeder = await use(TimerSeeder.start(deployment.url, { shards }))
    const stage = {
      on: onOf(deployment),
      api,
      hands: { worker, seeder },
      primaries: deployment.primaries.length,
    }
    await warmUp(stage.on, api, CONNECTIONS)
    await fireCost(stage.on, stage.hands, scale.costs.warmUp)
    return stage
  }
  const stages = [await stageOf('single', 1)]
  for (const primaries of PRIMARIES) stages.push(await stageOf({ primaries, replicas: 0 }, SHARDS))

  const results = await bench.repeat(async (): Promise<ClusterRepeat> => {
    const [single, ...clusters] = await topologyCosts(stages, scale.costs)
    const deployment = await start({ primaries: 1, replicas: 1 }, SHARDS)
    try {
      return { single: single as TopologyCost, clusters, acks: await ackedCosts(onOf(deployment)) }
    } finally {
      await deployment.stop()
    }
  }, told)
  return {
    figures: [...topologyFigures(results), ...acksFigures(results)],
    details: results,
    scale: mediansOf(results),
  }
})

/** Of each stage. One API and one worker, with as many clients for each primary. */
async function topologyCosts(
  stages: readonly Stage[],
  { creates, fires, share }: Scale['costs'],
): Promise<TopologyCost[]> {
  const slices = (
    await inTurn(stages, 1, ({ on, api, primaries }) => createSlices(on, api, CONNECTIONS * primaries))
  ).flat()
  const create = await inTurn(slices, SLICES.creates, (slice) => slice(sliceOf(creates, SLICES.creates)))
  const fire = await inTurn(stages, SLICES.fires, ({ on, hands }) =>
    fireCost(on, hands, sliceOf(fires, SLICES.fires)),
  )
  const steady = await inTurn(stages, SLICES.steady, ({ on, hands, primaries }) => {
    const perSecond = STEADY_PER_PRIMARY * primaries
    return fireCost(on, hands, Math.round(perSecond * STEADY_SECONDS * share), perSecond)
  })
  return stages.map((_, index): TopologyCost => {
    const { cost: fired, bytesEach: firedBytes } = meanFireCost(fire[index] ?? [])
    const { cost: steadyFire, p99Ms: steadyP99Ms } = meanFireCost(steady[index] ?? [])
    return { create: meanOf(create[index] ?? []), fire: fired, steadyFire, steadyP99Ms, firedBytes }
  })
}

/** On the same Redis, one after the other: without waiting for the replica, and with. */
async function ackedCosts(on: On): Promise<AckedCost[]> {
  const { deployment, scale } = on
  const seeder = await TimerSeeder.start(deployment.url, { shards: SHARDS })
  try {
    const costs: AckedCost[] = []
    for (const acks of [0, 1]) {
      const env = { REDIS_REPLICA_ACKS: acks }
      const api = await deployment.startService('api', env)
      const create = await createCost(on, api, CONNECTIONS)
      await api.kill()
      const worker = await deployment.startService('worker', env)
      const hands: Hands = { worker, seeder }
      await fireCost(on, hands, scale.warmUp)
      const { cost: fire } = await fireCost(on, hands, scale.fires)
      await worker.kill()
      costs.push({ create, fire })
    }
    return costs
  } finally {
    await seeder.stop()
  }
}

function mediansOf(results: readonly ClusterRepeat[]): ClusterRepeat {
  return medianOf(results) as ClusterRepeat
}

/** Of values of one shape: the median of each number in it. */
function medianOf(all: readonly unknown[]): unknown {
  const [first] = all
  if (typeof first === 'number') return spreadOf(all as number[]).median
  const entries = Object.keys(first as object).map((key) => {
    const values = all.map((each) => (each as Readonly<Record<string, unknown>>)[key])
    return [key, medianOf(values)] as const
  })
  return Array.isArray(first) ? entries.map(([, value]) => value) : Object.fromEntries(entries)
}

function told({ single, clusters, acks }: ClusterRepeat): string {
  const text = (name: string, { create, fire }: { create: Cost; fire: Cost }) =>
    `${name}: create ${us(create)}, fire ${us(fire)}`
  return [
    text('single', single),
    ...clusters.map((cost, index) => text(`${PRIMARIES[index]} primaries`, cost)),
    ...acks.map((cost, index) => text(`acks ${index}`, cost)),
  ].join('; ')
}

/** Processor time of Redis, and of the service. */
function us({ redisUs, apiUs, workerUs, perSecond }: Cost): string {
  return `${Math.round(redisUs)} + ${Math.round(Math.max(apiUs, workerUs))} us at ${Math.round(perSecond)}/s`
}
