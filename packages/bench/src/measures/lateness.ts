import { percentile } from '@timers/lab'
import { latenessOf } from '../burst.ts'
import { figure } from '../figure.ts'
import { LoadGenerator } from '../load.ts'
import { measure } from '../measure.ts'
import { Receiver } from '../receiver.ts'
import { lineChart } from '../svg.ts'

/** Most p99 lateness at each steady rate, in milliseconds. */
const GOAL_MS: Readonly<Record<number, number>> = { 5: 15, 100: 10, 500: 20 }
const SHARES = [0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1]

/**
 * How late timers are under a steady load of creates and fires: one API, one worker, timers of one second, created by
 * the clock. Lateness is arrival at the receiver minus due time, so the way there counts as ours.
 */
export const lateness = measure('lateness', async ({ scale, install, use, repeat }) => {
  const installation = await install()
  const receiver = await use(Receiver.start())
  const load = await use(new LoadGenerator())
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
  const runs = new Map<number, number[][]>()
  for (const { perSecond, seconds } of scale.steady) {
    const repeated = await repeat(
      () => steady(perSecond, seconds),
      (values) => {
        const [p50, p99, max] = [0.5, 0.99, 1].map((share) => percentile(values, share))
        return `at ${perSecond}/s: p50 ${p50} ms, p99 ${p99} ms, max ${max} ms`
      },
    )
    runs.set(perSecond, repeated)
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
})
