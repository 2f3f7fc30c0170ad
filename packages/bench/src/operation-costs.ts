import { setTimeout as sleep } from 'node:timers/promises'
import { percentile } from '@timers/lab'
import { burstResult, latenessOf } from './burst.ts'
import { type Cost, costOf, meanOf, restOf, type Use, type Watched } from './cost.ts'
import { redisCounters } from './counters.ts'
import type { DeployedService, Deployment } from './deployment.ts'
import type { LoadGenerator } from './load.ts'
import type { Scale } from './measure.ts'
import { NOWHERE } from './measures/creates.ts'
import type { Receiver } from './receiver.ts'
import type { TimerSeeder } from './timer-seeder.ts'

const DAY_SECONDS = 86_400
/** Watching begins so long before timers are due, in milliseconds. */
const AHEAD_MS = 50
const FIRST_SEED_MS = 0.5
/** From the last timer that is made to the first that is due. */
const LEAD_MS = 1_000
const TRIES = 4

export interface On {
  readonly deployment: Deployment
  readonly load: LoadGenerator
  readonly receiver: Receiver
  readonly scale: Scale['costs']
}

/** Creates over so many connections, first some that compile the code. */
export async function createCost(on: On, api: DeployedService, connections: number): Promise<Cost> {
  await warmUp(on, api, connections)
  return (await createSlices(on, api, connections))(on.scale.creates)
}

/** Creates that compile the code. */
export async function warmUp({ load, scale }: On, api: DeployedService, connections: number): Promise<void> {
  await load.create(api.url, NOWHERE, DAY_SECONDS, { amount: scale.warmUp }, connections)
}

/** Looks at what the processes take at rest; what it gives makes so many creates, and says what one costs. */
export async function createSlices(
  { deployment, load, scale }: On,
  api: DeployedService,
  connections: number,
): Promise<(count: number) => Promise<Cost>> {
  const watched = { deployment, apis: [api], workers: [], bench: load.pids }
  const rest = await restOf(watched, scale.restMs)
  const create = (amount: number) => load.create(api.url, NOWHERE, DAY_SECONDS, { amount }, connections)
  return (count) => {
    // Each connection makes one at least.
    const amount = Math.max(count, connections)
    return costOf(watched, rest, amount, async () => (await create(amount)).perSecond)
  }
}

/** Who fires, and who makes the timers for it. */
export interface Hands {
  readonly worker: DeployedService
  readonly seeder: TimerSeeder
  /** How long a timer took to make the last time: they must all be made before the first is due. */
  seedMs?: number
}

export interface FireCost {
  readonly cost: Cost
  readonly p99Ms: number
  /** Of a fired timer that is kept: what Redis has more of afterwards. */
  readonly bytesEach: number
}

/**
 * Fires of one worker.
 *
 * @param perSecond how many fall due in a second; infinite: all at once
 */
export async function fireCost(
  { deployment, receiver }: On,
  hands: Hands,
  count: number,
  perSecond = Number.POSITIVE_INFINITY,
): Promise<FireCost> {
  const { memoryBytes: before } = await redisCounters(deployment.primaries)
  const { dueById, firstDueAt, made } = await seeded(receiver, hands, count, perSecond)
  const watched: Watched = { deployment, apis: [], workers: [hands.worker], bench: [receiver.pid] }
  const rest = await restUntil(watched, firstDueAt - AHEAD_MS)
  let p99Ms = 0
  const cost = await costOf(watched, rest, count, async () => {
    await receiver.until(count)
    const arrivals = await receiver.arrivals()
    p99Ms = percentile(latenessOf(arrivals, dueById), 0.99)
    return burstResult(arrivals, dueById, {}).perSecond
  })
  const { memoryBytes: after } = await redisCounters(deployment.primaries)
  return { cost, p99Ms, bytesEach: (after - before) / made }
}

/** Of slices of one size. */
export function meanFireCost(costs: readonly FireCost[]): FireCost {
  const mean = (of: (cost: FireCost) => number) =>
    costs.reduce((sum, each) => sum + of(each), 0) / costs.length
  return {
    cost: meanOf(costs.map(({ cost }) => cost)),
    p99Ms: mean(({ p99Ms }) => p99Ms),
    bytesEach: mean(({ bytesEach }) => bytesEach),
  }
}

/** Timers that are all made a second before the first is due; on a machine that is slower than it was, those made in vain are fired first. */
async function seeded(receiver: Receiver, hands: Hands, count: number, perSecond: number) {
  for (let tries = 1; tries <= TRIES; tries += 1) {
    await receiver.reset()
    const startedAt = Date.now()
    const firstDueAt = startedAt + Math.ceil(LEAD_MS + 2 * (hands.seedMs ?? FIRST_SEED_MS) * count)
    const dueAt = (index: number) => firstDueAt + Math.floor((index * 1_000) / perSecond)
    const dueById = await hands.seeder
      .seedEach(count, (index) => ({ url: receiver.url, dueAt: dueAt(index) }))
      .catch((error: Error) => {
        if (tries === TRIES || !/took too long/.test(error.message)) throw error
      })
    hands.seedMs = (Date.now() - startedAt) / count
    if (dueById !== undefined && firstDueAt - Date.now() >= LEAD_MS / 2)
      return { dueById, firstDueAt, made: tries * count }
    await receiver.until(count)
  }
  throw new Error(`${count} timers could not be made in time: the machine is too busy to measure anything`)
}

async function restUntil(watched: Watched, at: number): Promise<Use> {
  const rest = await restOf(watched, at - Date.now())
  await sleep(Math.max(0, at - Date.now()))
  return rest
}
