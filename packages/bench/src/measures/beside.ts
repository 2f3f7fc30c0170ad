import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { App } from '@timers/lab'
import { type Cost, costOf, restOf } from '../cost.ts'
import { redisCounters } from '../counters.ts'
import { type DeployedService, Deployment } from '../deployment.ts'
import { figure, type Goal } from '../figure.ts'
import { CONNECTIONS, LoadGenerator } from '../load.ts'
import { type Measure, measure, SETTINGS } from '../measure.ts'
import { createCost, type FireCost, fireCost, type Hands } from '../operation-costs.ts'
import { UsageError } from '../options.ts'
import { Receiver } from '../receiver.ts'
import { TimerSeeder } from '../timer-seeder.ts'
import { NOWHERE } from './creates.ts'

/** By how much a row may be worse than that of the other commit before it counts: runs of one commit differ by as much. */
const NOISE = 0.05
const STEADY_PER_SECOND = 400
const STEADY_SECONDS = 4
const LONG_SECONDS = 86_400

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
    const startSide = async (name: string, from?: string): Promise<Side> => {
      const entry = from && { entry: (app: App) => join(from, 'apps', app, 'dist', 'main.js') }
      const deployment = await use(
        Deployment.start({ topology: 'single', shards: 1, folder: newFolder(name), env: SETTINGS, ...entry }),
      )
      const [api, worker] = [await deployment.startService('api'), await deployment.startService('worker')]
      return { deployment, api, hands: { worker, seeder: await use(await seederOf(from, deployment.url)) } }
    }
    const [now, before] = [await startSide('now'), await startSide('before', other)]
    const sampleOf = async ({ deployment, api, hands }: Side): Promise<Sample> => {
      const on = { deployment, load, receiver, scale: scale.costs }
      const { memoryBytes } = await redisCounters(deployment.primaries)
      const create = await createCost(on, api, CONNECTIONS)
      const { memoryBytes: after } = await redisCounters(deployment.primaries)
      const pendingBytes = (after - memoryBytes) / (scale.costs.creates + scale.costs.warmUp)
      const read = await readCost(on, api)
      const steadyCount = Math.round(STEADY_PER_SECOND * STEADY_SECONDS * scale.costs.share)
      const burst = await fireCost(on, hands, scale.costs.fires)
      const steady = await fireCost(on, hands, steadyCount, STEADY_PER_SECOND)
      return { create, read, burst, steady, pendingBytes }
    }
    // One round that counts for nothing: the code is compiled.
    if (scale.warmUp > 0) for (const side of [before, now]) await sampleOf(side)
    let turn = 0
    const results = await repeat(
      async () => {
        turn += 1
        // Whoever comes second finds another machine: they take turns at it.
        if (turn % 2 === 0) return { before: await sampleOf(before), now: await sampleOf(now) }
        const sampled = await sampleOf(now)
        return { now: sampled, before: await sampleOf(before) }
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

async function readCost(
  { deployment, load, scale }: Parameters<typeof createCost>[0],
  api: DeployedService,
): Promise<Cost> {
  const watched = { deployment, apis: [api], workers: [], bench: load.pids }
  const body = JSON.stringify({ seconds: LONG_SECONDS, url: NOWHERE })
  const headers = { 'content-type': 'application/json' }
  const reply = await fetch(`${api.url}/timers`, { method: 'POST', headers, body })
  const { id } = (await reply.json()) as { id: number }
  const rest = await restOf(watched, scale.restMs)
  return costOf(watched, rest, scale.creates, async () => {
    const { perSecond } = await load.closedLoop({
      url: api.url,
      method: 'GET',
      paths: [`/timers/${id}`],
      connections: CONNECTIONS,
      stop: { amount: scale.creates },
    })
    return perSecond
  })
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
