import { spreadOf } from '@timers/lab'
import { startChild } from '../child.ts'
import { figure } from '../figure.ts'
import { CONNECTIONS, LoadGenerator } from '../load.ts'
import { measure } from '../measure.ts'
import type { RawAdds } from '../processes/raw-adds.ts'
import { barChart } from '../svg.ts'

/** Nobody listens there: these timers never fall due. */
export const NOWHERE = 'http://127.0.0.1:9/hooks/'.padEnd(88, 'x')
const DAY_SECONDS = 86_400

/** How many timers a second can be created, beside what Redis and BullMQ, and what Fastify, do at most. */
export const creates = measure('creates', async ({ scale, install, use, repeat }) => {
  const installation = await install()
  const load = await use(new LoadGenerator())
  const rawAdds = await use(startChild('raw-adds'))
  const plainApi = await use(startChild('plain-api'))
  const api = await installation.startApi()
  const plainUrl = await plainApi.ask<string>('listen')
  const raw = (durationMs: number) => {
    const redisUrl = installation.redis.url
    const run: RawAdds = { redisUrl, url: NOWHERE, inFlight: CONNECTIONS, durationMs }
    return rawAdds.ask<number>('run', run)
  }
  const post = async (url: string, seconds: number) =>
    (await load.create(url, NOWHERE, DAY_SECONDS, { seconds })).perSecond

  if (scale.warmUp > 0) {
    await raw(1_000)
    await post(plainUrl, 1)
    await post(api.url, 1)
  }
  const results = await repeat(async () => ({
    raw: await raw(scale.seconds * 1_000),
    plain: await post(plainUrl, scale.seconds),
    post: await post(api.url, scale.seconds),
  }))
  const values = results.map((result) => result.post)
  const raws = results.map((result) => result.raw)
  const plains = results.map((result) => result.plain)
  return {
    figures: [
      figure({
        what: 'POST /timers, 64 connections',
        unit: '/s',
        values,
        reference: { what: 'raw Queue.add', values: raws },
        goal: { on: 'ratio', atLeast: 0.6 },
      }),
      figure({
        what: 'POST /timers, 64 connections',
        unit: '/s',
        values,
        reference: { what: 'Fastify route that does nothing', values: plains },
      }),
    ],
    plots: [
      {
        file: 'creates.svg',
        caption: 'Creates a second (bars: median; lines: smallest to largest)',
        svg: barChart('Creates a second', [
          { label: 'POST /timers', spread: spreadOf(values), ours: true },
          { label: 'raw Queue.add', spread: spreadOf(raws) },
          { label: 'Fastify doing nothing', spread: spreadOf(plains) },
        ]),
      },
    ],
    details: results,
  }
})
