import { spreadOf } from '@timers/lab'
import { acksFigures, topologyFigures } from '../cluster-figures.ts'
import type { Cost } from '../cost.ts'
import { Deployment, type Topology } from '../deployment.ts'
import { CONNECTIONS, LoadGenerator } from '../load.ts'
import { measure, SETTINGS } from '../measure.ts'
import { createCost, fireCost, type Hands, type On } from '../operation-costs.ts'
import { Receiver } from '../receiver.ts'
import { type AckedCost, STEADY_PER_PRIMARY, type TopologyCost } from '../scale/scale-figures.ts'
import { TimerSeeder } from '../timer-seeder.ts'

/** As many for 1, 2 and 3 primaries. */
const SHARDS = 12
/** Over so many seconds the steady timers fall due. */
const STEADY_SECONDS = 4

const PRIMARIES = [1, 2, 3] as const

/** One repeat: each topology once, on its own. */
export interface ClusterRepeat {
  readonly single: TopologyCost
  readonly clusters: readonly TopologyCost[]
  /** By the number of acks. */
  readonly acks: readonly AckedCost[]
}

/**
 * What a create and a fire cost on a single Redis, on 1, 2 and 3 primaries, and where a replica must have them. Throughput
 * cannot grow here, where all share the same few cores: what is held flat is the processor time of each.
 */
export const cluster = measure('cluster', async (bench) => {
  const load = await bench.use(new LoadGenerator())
  const receiver = await bench.use(Receiver.start())
  let folders = 0
  const on = async <T>(topology: Topology, shards: number, run: (on: On) => Promise<T>): Promise<T> => {
    folders += 1
    const folder = bench.newFolder(`cluster-${folders}`)
    const deployment = await Deployment.start({ topology, shards, folder, env: SETTINGS })
    try {
      return await run({ deployment, load, receiver, scale: bench.scale.costs })
    } finally {
      await deployment.stop()
    }
  }
  const results = await bench.repeat(async (): Promise<ClusterRepeat> => {
    const single = await on('single', 1, (each) => topologyCost(each, 1))
    const clusters: TopologyCost[] = []
    for (const primaries of PRIMARIES)
      clusters.push(await on({ primaries, replicas: 0 }, SHARDS, (each) => topologyCost(each, SHARDS)))
    const acks = await on({ primaries: 1, replicas: 1 }, SHARDS, ackedCosts)
    return { single, clusters, acks }
  }, told)
  return {
    figures: [...topologyFigures(results), ...acksFigures(results)],
    details: results,
    scale: mediansOf(results),
  }
})

/** One API and one worker, with as many clients for each primary. */
async function topologyCost(on: On, shards: number): Promise<TopologyCost> {
  const { deployment, scale } = on
  const primaries = deployment.primaries.length
  const create = await createCost(on, await deployment.startService('api'), CONNECTIONS * primaries)
  const seeder = await TimerSeeder.start(deployment.url, { shards })
  try {
    const hands: Hands = { worker: await deployment.startService('worker'), seeder }
    await fireCost(on, hands, scale.warmUp)
    const { cost: fire, bytesEach: firedBytes } = await fireCost(on, hands, scale.fires)
    const perSecond = STEADY_PER_PRIMARY * primaries
    const steady = await fireCost(on, hands, Math.round(perSecond * STEADY_SECONDS * scale.share), perSecond)
    return { create, fire, steadyFire: steady.cost, steadyP99Ms: steady.p99Ms, firedBytes }
  } finally {
    await seeder.stop()
  }
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
