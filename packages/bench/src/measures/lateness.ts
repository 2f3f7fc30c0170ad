import { latenessOf } from '../burst.ts'
import { figure } from '../figure.ts'
import { Installation } from '../installation.ts'
import { LoadGenerator } from '../load.ts'
import type { Measure } from '../measure.ts'
import { Receiver } from '../receiver.ts'
import { percentile } from '../statistics.ts'
import { lineChart } from '../svg.ts'

/** Most p99 lateness at each steady rate, in milliseconds. */
const GOAL_MS: Readonly<Record<number, number>> = { 5: 15, 100: 10, 500: 20 }
const SHARES = [0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1]

/**
 * How late timers are under a steady load of creates and fires: one API, one worker, timers of one second, created by
 * the clock. Lateness is arrival at the receiver minus due time, so the way there counts as ours.
 */
export const lateness: Measure = {
  name: 'lateness',
  run: async ({ scale, repeats, newFolder, log }) => {
    const installation = await Installation.start(newFolder('lateness'))
    const receiver = await Receiver.start()
    const load = new LoadGenerator()
    try {
      const api = await installation.startApi()
      await installation.startWorker()
      const steady = async (perSecond: number, seconds: number): Promise<number[]> => {
        await receiver.reset()
        const body = JSON.stringify({ seconds: 1, url: receiver.url })
        const created = await load.openLoop({
          url: api.url,
          method: 'POST',
          paths: ['/timers'],
          body,
          perSecond,
          durationMs: seconds * 1_000,
        })
        await receiver.until(created.ids.length)
        const dueById = new Map([...created.ids].map((id, index) => [id, created.dueAt[index] as number]))
        return latenessOf(await receiver.arrivals(), dueById)
      }
      if (scale.warmUp > 0) await steady(500, 1)
      const runs = new Map(scale.steady.map(({ perSecond }) => [perSecond, [] as number[][]]))
      for (let repeat = 0; repeat < repeats; repeat += 1) {
        for (const { perSecond, seconds } of scale.steady) {
          const values = await steady(perSecond, seconds)
          runs.get(perSecond)?.push(values)
          const [p50, p99, max] = [0.5, 0.99, 1].map((share) => percentile(values, share))
          log(`lateness at ${perSecond}/s: p50 ${p50} ms, p99 ${p99} ms, max ${max} ms`)
        }
      }
      const figures = [...runs].flatMap(([perSecond, repeated]) => {
        const at = (share: number) => repeated.map((values) => percentile(values, share))
        const what = `lateness at ${perSecond}/s`
        const atMost = GOAL_MS[perSecond]
        return [
          figure({ what: `${what}, p50`, unit: 'ms', values: at(0.5) }),
          figure({
            what: `${what}, p99`,
            unit: 'ms',
            values: at(0.99),
            ...(atMost !== undefined && { goal: { on: 'value', atMost } }),
          }),
          figure({ what: `${what}, max`, unit: 'ms', values: at(1) }),
        ]
      })
      const series = [...runs].map(([perSecond, repeated]) => ({
        label: `${perSecond}/s`,
        points: SHARES.map((share, index) => [index, percentile(repeated.flat(), share)] as const),
      }))
      return {
        figures,
        plots: [
          {
            file: 'lateness.svg',
            caption: 'Lateness by percentile under a steady load, all repeats together',
            svg: lineChart({
              title: 'Lateness under a steady load',
              xTicks: SHARES.map((share) => (share === 1 ? 'max' : `p${Number((share * 100).toFixed(1))}`)),
              yLabel: 'ms',
              series,
            }),
          },
        ],
      }
    } finally {
      await Promise.all([receiver.stop(), load.stop()])
      await installation.stop()
    }
  },
}
