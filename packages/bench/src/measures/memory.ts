import { setTimeout as sleep } from 'node:timers/promises'
import { figure } from '../figure.ts'
import { LoadGenerator } from '../load.ts'
import { measure } from '../measure.ts'
import { residentMiB } from '../processor-time.ts'
import { Receiver } from '../receiver.ts'
import { lineChart } from '../svg.ts'

const CHUNK = 10_000
/** Most timers that were created and have not arrived yet. */
const MOST_UNDER_WAY = 20_000
/** After so many, and again after all. */
const EARLY = 10_000
/** Points of the plot. */
const POINTS = 40

interface Sample {
  readonly timers: number
  readonly api: number
  readonly worker: number
}

/** Whether API and worker grow with the number of timers that go through them. Their resident memory, in MiB. */
export const memory = measure('memory', async ({ scale, install, use, log }) => {
  const installation = await install()
  const receiver = await use(Receiver.start())
  const load = await use(new LoadGenerator())
  const api = await installation.startApi()
  const worker = await installation.startWorker()
  await receiver.reset({ recording: false })
  const sample = (timers: number): Sample => ({
    timers,
    api: residentMiB(api.pid) ?? 0,
    worker: residentMiB(worker.pid) ?? 0,
  })
  const settled = async (timers: number): Promise<Sample> => {
    await receiver.until(timers)
    await sleep(scale.settleMs)
    const result = sample(timers)
    log(
      `memory after ${timers} timers: API ${Math.round(result.api)} MiB, worker ${Math.round(result.worker)} MiB`,
    )
    return result
  }
  const samples: Sample[] = []
  let created = 0
  const through = async (total: number): Promise<Sample> => {
    while (created < total) {
      await receiver.until(created - MOST_UNDER_WAY + CHUNK, 120_000)
      const amount = Math.min(CHUNK, total - created)
      created += (await load.create(api.url, receiver.url, 1, { amount })).answered
      if (created % Math.max(CHUNK, Math.round(scale.timers / POINTS)) < CHUNK) samples.push(sample(created))
    }
    return settled(created)
  }
  const early = await through(Math.min(EARLY, Math.round(scale.timers / 2)))
  const late = await through(scale.timers)
  const of = (what: string, name: 'api' | 'worker') =>
    figure({
      what: `memory of the ${what} after ${late.timers.toLocaleString('en-US')} timers`,
      unit: 'MiB',
      values: [late[name]],
      reference: { what: `after ${early.timers.toLocaleString('en-US')}`, values: [early[name]] },
      goal: { on: 'ratio', atMost: 1.3 },
    })
  const series = (['api', 'worker'] as const).map((name) => ({
    label: name,
    points: samples.map((each) => [each.timers, each[name]] as const),
  }))
  return {
    figures: [of('API', 'api'), of('worker', 'worker')],
    plots: [
      {
        file: 'memory.svg',
        caption: 'Resident memory of API and worker by timers that went through them',
        svg: lineChart({ title: 'Memory of the processes', xLabel: 'timers', yLabel: 'MiB', series }),
      },
    ],
    details: { early, late, samples },
  }
})
