import { spreadOf } from '@timers/lab'
import { figure } from '../figure.ts'
import { measure } from '../measure.ts'
import { Receiver } from '../receiver.ts'
import { type ReferenceBurst, type ReferenceKind, ReferenceWorker } from '../reference-worker.ts'
import { barChart } from '../svg.ts'
import { TimerSeeder } from '../timer-seeder.ts'
import { fireBurst, type TimersBurstResult } from '../timers-burst.ts'

const KINDS = ['got', 'plain', 'empty'] as const

type Results = Readonly<Record<ReferenceKind, ReferenceBurst>> & { readonly timers: TimersBurstResult }

/** How many timers a second one worker process fires when many are due at once, beside less careful workers. */
export const fires = measure('fires', async ({ scale, install, use, repeat }) => {
  const installation = await install()
  const receiver = await use(Receiver.start())
  const seeder = await use(TimerSeeder.start(installation.redis.url))
  const references = await Promise.all(
    KINDS.map((kind) => use(ReferenceWorker.start(kind, installation.redis.url))),
  )
  const worker = await installation.startWorker()
  const runAll = async (count: number): Promise<Results> => {
    const timers = await fireBurst({ installation, seeder, receiver, worker }, count)
    const bursts: Partial<Record<ReferenceKind, ReferenceBurst>> = {}
    for (const [index, reference] of references.entries()) {
      const kind = KINDS[index] as ReferenceKind
      bursts[kind] = await reference.burst(count, receiver.url, installation.redis.pid ?? 0)
    }
    return { ...(bursts as Record<ReferenceKind, ReferenceBurst>), timers }
  }
  if (scale.warmUp > 0) await runAll(scale.warmUp)
  const results = await repeat(() => runAll(scale.burst), summary)
  const of = (name: keyof Results) => results.map((result) => result[name].perSecond)
  const against = (what: string, kind: ReferenceKind, atLeast?: number) =>
    figure({
      what: 'fires, one worker process, all due at once',
      unit: '/s',
      values: of('timers'),
      reference: { what, values: of(kind) },
      ...(atLeast !== undefined && { goal: { on: 'ratio', atLeast } }),
    })
  return {
    figures: [
      against('BullMQ and got.stream.post', 'got', 0.9),
      against('the worker without fence, guard, signature, log', 'plain', 0.85),
      against('BullMQ and nothing', 'empty'),
    ],
    plots: [
      {
        file: 'fires.svg',
        caption: 'Fires a second of one worker process (bars: median; lines: smallest to largest)',
        svg: barChart('Fires a second, one worker process', [
          { label: 'timers', spread: spreadOf(of('timers')), ours: true },
          { label: 'BullMQ + got.stream.post', spread: spreadOf(of('got')) },
          { label: 'ours without the care', spread: spreadOf(of('plain')) },
          { label: 'BullMQ, empty processor', spread: spreadOf(of('empty')) },
        ]),
      },
    ],
    details: results,
  }
})

/** Rates, and the processor time that a fire took of the worker and of Redis. */
function summary(results: Results): string {
  return Object.entries(results)
    .map(([name, { perSecond, processorUs }]) => {
      const { worker = 0, redis = 0 } = processorUs
      return `${name} ${Math.round(perSecond)}/s (worker ${Math.round(worker)} us, Redis ${Math.round(redis)} us)`
    })
    .join(', ')
}
