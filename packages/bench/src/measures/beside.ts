import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { App } from '@timers/lab'
import { type Cost, costOf, meanOf, restOf } from '../cost.ts'
import { redisCounters } from '../counters.ts'
import { type DeployedService, Deployment } from '../deployment.ts'
import { figure, type Goal } from '../figure.ts'
import { inTurn, sliceOf } from '../in-turn.ts'
import { CONNECTIONS, LoadGenerator } from '../load.ts'
import { type Measure, measure, SETTINGS } from '../measure.ts'
import {
  createSlices,
  type FireCost,
  fireCost,
  type Hands,
  meanFireCost,
  type On,
  warmUp,
} from '../operation-costs.ts'
import { UsageError } from '../options.ts'
import { Receiver } from '../receiver.ts'
import { TimerSeeder } from '../timer-seeder.ts'
import { NOWHERE } from './creates.ts'

/** By how much a row may be worse than that of the other commit before it counts: runs of one commit differ by as much. */
const NOISE = 0.05
const STEADY_PER_SECOND = 400
const STEADY_SECONDS = 4
const LONG_SECONDS = 86_400
/** In how many slices the creates and the reads of a repeat are made; and how often a burst, and a steady load, is fired. */
const SLICES = { requests: 10, fires: 2 } as const

/** What a commit brings along: its services, and its own store to make timers with. */
interface Side {
  readonly deployment: Deployment
  readonly api: DeployedService
  readonly hands: Hands
}

interface Sample {
  readonly create: Cost
  readonly read: Cost
  readonly burst: FireCost
  readonly steady: FireCost
  readonly pendingBytes: number
}

/** This commit beside another one, each on a single Redis of its own, in turn. */
export function beside(folder: string | undefined): Measure {
  return measure('beside', async (bench) => {
    const { scale, repeat, use, newFolder } = bench
    const other = builtFolder(folder)
    const load = await use(new LoadGenerator())
    const receiver = await use(Receiver.start())
    let turn = 0
    const startSide = async (name: string, from?: string): Promise<Side> => {
      const entry = from && { entry: (app: App) => join(from, 'apps', app, 'dist', 'main.js') }
      const folder = newFolder(`${name}-${turn}`)
      const common = { topology: 'single', shards: 1, env: SETTINGS } as const
      const deployment = await Deployment.start({ ...common, folder, ...entry })
      const [api, worker] = [await deployment.startService('api'), await deployment.startService('worker')]
      return { deployment, api, hands: { worker, seeder: await seederOf(from, deployment.url) } }
    }
    const onOf = ({ deployment }: Side) => ({ deployment, load, receiver, scale: scale.costs })
    const sampleBoth = async (sides: readonly Side[]): Promise<Sample[]> => {
      // What counts for nothing: the code is compiled.
      for (const side of sides) {
        await warmUp(onOf(side), side.api, CONNECTIONS)
        await fireCost(onOf(side), side.hands, scale.costs.warmUp)
      }
      const { creates, fires, share } = scale.costs
      const sizes = await inTurn(sides, 1, memoryOf)
      const makers = await inTurn(sides, 1, (side) => createSlices(onOf(side), side.api, CONNECTIONS))
      const create = await inTurn(makers.flat(), SLICES.requests, (slice) =>
        slice(sliceOf(creates, SLICES.requests)),
      )
      const sizesAfter = await inTurn(sides, 1, memoryOf)
      const readers = await inTurn(sides, 1, (side) => readSlices(onOf(side), side.api))
      const read = await inTurn(readers.flat(), SLICES.requests, (slice) =>
        slice(sliceOf(creates, SLICES.requests)),
      )
      const burst = await inTurn(sides, SLICES.fires, (side) => fireCost(onOf(side), side.hands, fires))
      const steadyCount = Math.round(STEADY_PER_SECOND * STEADY_SECONDS * share)
      const steady = await inTurn(sides, SLICES.fires, (side) =>
        fireCost(onOf(side), side.hands, steadyCount, STEADY_PER_SECOND),
      )
      const grown = sizes.flat().map((size, index) => (sizesAfter.flat()[index] ?? size) - size)
      return sides.map((_, index) => ({
        create: meanOf(create[index] ?? []),
        read: meanOf(read[index] ?? []),
        burst: meanFireCost(burst[index] ?? []),
        steady: meanFireCost(steady[index] ?? []),
        pendingBytes: (grown[index] ?? 0) / creates,
      }))
    }
    const results = await repeat(
      // With new processes each time: two of one build differ by a tenth for as long as they live.
      async () => {
        const sides: Side[] = []
        turn += 1
        try {
          sides.push(await startSide('now'))
          sides.push(await startSide('before', other))
          const [now, before] = (await sampleBoth(sides)) as [Sample, Sample]
          return { now, before }
        } finally {
          for (const { deployment, hands } of sides) {
            await hands.seeder.stop()
            await deployment.stop()
          }
        }
      },
      ({ now: ours, before: theirs }) =>
        `creates ${Math.round(ours.create.perSecond)}/s beside ${Math.round(theirs.create.perSecond)}/s, fires ${Math.round(ours.burst.cost.perSecond)}/s beside ${Math.round(theirs.burst.cost.perSecond)}/s`,
    )
    const row = (what: string, unit: string, of: (sample: Sample) => number, goal?: Goal) =>
      figure({
        what,
        unit,
        values: results.map((result) => of(result.now)),
        reference: { what: 'the other commit', values: results.map((result) => of(result.before)) },
        ...(goal && { goal }),
      })
    const cheap: Goal = { on: 'ratio', atMost: 1 + NOISE }
    const quick: Goal = { on: 'ratio', atLeast: 1 - NOISE }
    return {
      figures: [
        row('POST /timers, 64 connections', '/s', ({ create }) => create.perSecond, quick),
        row('a create: the API', 'us', ({ create }) => create.apiUs, cheap),
        row('a create: Redis', 'us', ({ create }) => create.redisUs, cheap),
        row('a create: bytes to disk', 'B', ({ create }) => create.diskBytes, cheap),
        row('GET /timers/:id, 64 connections', '/s', ({ read }) => read.perSecond, quick),
        row('a read: the API', 'us', ({ read }) => read.apiUs, cheap),
        row('fires, one worker process, all due at once', '/s', ({ burst }) => burst.cost.perSecond, quick),
        row('a fire: the worker', 'us', ({ burst }) => burst.cost.workerUs, cheap),
        row('a fire: Redis', 'us', ({ burst }) => burst.cost.redisUs, cheap),
        row('a fire: bytes to disk', 'B', ({ burst }) => burst.cost.diskBytes, cheap),
        row('lateness p99 of a burst', 'ms', ({ burst }) => burst.p99Ms, cheap),
        row(`lateness p99 at ${STEADY_PER_SECOND}/s`, 'ms', ({ steady }) => steady.p99Ms),
        row(`a fire at ${STEADY_PER_SECOND}/s: the worker`, 'us', ({ steady }) => steady.cost.workerUs),
        row('bytes a pending timer', 'B', ({ pendingBytes }) => pendingBytes, cheap),
      ],
      details: results,
    }
  })
}

async function memoryOf({ deployment }: Side): Promise<number> {
  return (await redisCounters(deployment.primaries)).memoryBytes
}

/** Looks at what the processes take at rest; what it gives reads one timer so many times, and says what a read costs. */
async function readSlices(
  { deployment, load, scale }: On,
  api: DeployedService,
): Promise<(count: number) => Promise<Cost>> {
  const watched = { deployment, apis: [api], workers: [], bench: load.pids }
  const body = JSON.stringify({ seconds: LONG_SECONDS, url: NOWHERE })
  const headers = { 'content-type': 'application/json' }
  const reply = await fetch(`${api.url}/timers`, { method: 'POST', headers, body })
  const { id } = (await reply.json()) as { id: number }
  const rest = await restOf(watched, scale.restMs)
  const read = (amount: number) =>
    load.closedLoop({
      url: api.url,
      method: 'GET',
      paths: [`/timers/${id}`],
      connections: CONNECTIONS,
      stop: { amount },
    })
  return (count) => {
    const amount = Math.max(count, CONNECTIONS)
    return costOf(watched, rest, amount, async () => (await read(amount)).perSecond)
  }
}

/** @throws UsageError where nothing was built there */
function builtFolder(folder: string | undefined): string {
  const path = resolve(process.env.INIT_CWD ?? process.cwd(), folder ?? '')
  for (const part of ['apps/api/dist/main.js', 'apps/worker/dist/main.js', SEEDER]) {
    if (folder === undefined || !existsSync(join(path, part)))
      throw new UsageError(`${part} is missing in ${path}: run npm ci and npm run build there`)
  }
  return path
}

const SEEDER = 'packages/bench/dist/timer-seeder.js'

/** The other commit's own: how timers lie in Redis may differ. */
async function seederOf(from: string | undefined, redisUrl: string): Promise<TimerSeeder> {
  if (from === undefined) return TimerSeeder.start(redisUrl)
  const module = (await import(pathToFileURL(join(from, SEEDER)).href)) as { TimerSeeder: typeof TimerSeeder }
  return module.TimerSeeder.start(redisUrl)
}
