import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Installation, Listening, Service } from '@timers/lab'
import { type Figure, figure } from '../figure.ts'
import { LoadGenerator } from '../load.ts'
import { type Bench, measure } from '../measure.ts'
import { Receiver } from '../receiver.ts'
import { calm, usedBytes } from '../redis-memory.ts'
import { TimerSeeder } from '../timer-seeder.ts'
import { fireBurst } from '../timers-burst.ts'
import { NOWHERE } from './creates.ts'

const FEW = 1_000
const LONG_SECONDS = 30 * 86_400
/** Timers that fall due while Redis is away. */
const OVERDUE = 100

/** One installation of the comparison: with few timers waiting, or with many. */
interface Side {
  readonly installation: Installation
  readonly api: Listening
  readonly worker: Service
  readonly seeder: TimerSeeder
}

/** What timers cost that only wait: bytes, the time of everything else, and a restart of Redis. */
export const pending = measure('pending', async (bench) => {
  const receiver = await bench.use(Receiver.start())
  const load = await bench.use(new LoadGenerator())
  const sides: Side[] = []
  for (const name of ['pending-few', 'pending-many']) sides.push(await startSide(bench, name))
  const [few, many] = sides as [Side, Side]
  await load.create(few.api.url, NOWHERE, LONG_SECONDS, { amount: Math.min(FEW, bench.scale.timers) })
  const bytes = await fill(many, load, bench)
  const costs = await compareCosts(few, many, receiver, load, bench)
  const restart = await restartRedis(many, receiver, bench)
  return { figures: [...bytes, ...costs, ...restart] }
})

async function startSide({ install, use }: Bench, name: string): Promise<Side> {
  const installation = await install(name)
  const [api, worker, seeder] = [
    await installation.startApi(),
    await installation.startWorker(),
    await use(TimerSeeder.start(installation.redis.url)),
  ]
  return { installation, api, worker, seeder }
}

/** Creates through the API until a tenth, and all, of the timers wait. */
async function fill(
  { installation, api }: Side,
  load: LoadGenerator,
  { scale, log }: Bench,
): Promise<Figure[]> {
  // A create of everything that is kept once: scripts, the queue's own keys.
  await load.create(api.url, NOWHERE, LONG_SECONDS, { amount: 100 })
  const [baseCount, baseBytes] = await waiting(installation)
  const figures: Figure[] = []
  for (const target of [scale.timers / 10, scale.timers].map(Math.round)) {
    const [count] = await waiting(installation)
    await load.create(api.url, NOWHERE, LONG_SECONDS, { amount: target - count })
    const [reached, bytes] = await waiting(installation)
    const each = (bytes - baseBytes) / (reached - baseCount)
    log(`pending: ${reached} timers wait, ${each.toFixed(1)} bytes each`)
    figures.push(
      figure({
        what: `bytes a pending timer, ${target.toLocaleString('en-US')} of them`,
        unit: 'B',
        values: [each],
        goal: { on: 'value', atMost: 470 },
      }),
    )
  }
  return figures
}

/** Timers that wait, and bytes in use. */
async function waiting(installation: Installation): Promise<[count: number, bytes: number]> {
  const bytes = await usedBytes(installation)
  return [Number(await installation.redis.command('ZCARD', 'timers:{0}:delayed')), bytes]
}

interface Cost {
  readonly createUs: number
  readonly fireUs: number
}

/** Creates and fires the same on both sides in turn; what is created here is also fired here. */
async function compareCosts(
  few: Side,
  many: Side,
  receiver: Receiver,
  load: LoadGenerator,
  { scale, repeat }: Bench,
): Promise<Figure[]> {
  const { count, seconds } = scale.compared
  const costOn = async (side: Side): Promise<Cost> => {
    await calm(side.installation)
    await receiver.reset()
    // Long enough that none of them is due before all are created.
    const creates = await load.create(side.api.url, receiver.url, seconds, { amount: count })
    await receiver.until(count)
    const { perSecond } = await fireBurst({ ...side, receiver }, count)
    return { createUs: 1e6 / creates.perSecond, fireUs: 1e6 / perSecond }
  }
  if (scale.warmUp > 0) {
    await costOn(few)
    await costOn(many)
  }
  const results = await repeat(async () => ({ few: await costOn(few), many: await costOn(many) }))
  const of = (what: string, name: keyof Cost) =>
    figure({
      what: `one ${what} beside ${scale.timers.toLocaleString('en-US')} pending timers`,
      unit: 'us',
      values: results.map((result) => result.many[name]),
      reference: { what: 'beside 1,000', values: results.map((result) => result.few[name]) },
      goal: { on: 'ratio', atMost: 1.25 },
    })
  return [of('create', 'createUs'), of('fire', 'fireUs')]
}

/** Kills Redis, lets timers fall due, brings it back on its data, and waits for the first fire. */
async function restartRedis(
  { installation, seeder }: Side,
  receiver: Receiver,
  { log }: Bench,
): Promise<Figure[]> {
  await calm(installation)
  await receiver.reset()
  await seeder.seed(OVERDUE, receiver.url, Date.now() + 1_500)
  await seeder.stop()
  await installation.redis.kill()
  await sleep(2_000)
  const startedAt = Date.now()
  await installation.redis.restart()
  const readyAt = Date.now()
  await receiver.until(OVERDUE)
  const { at } = await receiver.arrivals()
  const logged = readFileSync(installation.redis.logFile, 'utf8')
  const loads = [...logged.matchAll(/DB loaded from (.*): ([\d.]+) seconds/g)]
  const parts = loads.map(([, part, seconds]) => `${part} ${seconds} s`).join(', ')
  log(
    `pending: Redis ready after ${readyAt - startedAt} ms (${parts}), first fire ${(at[0] ?? 0) - readyAt} ms later`,
  )
  return [
    figure({
      what: 'restart of Redis with all of them until it answers',
      unit: 's',
      values: [(readyAt - startedAt) / 1_000],
      note: parts,
    }),
    figure({
      what: 'first fire of an overdue timer after that',
      unit: 'ms',
      values: [(at[0] ?? 0) - readyAt],
    }),
  ]
}
