import { figure } from '../figure.ts'
import { CONNECTIONS, LoadGenerator } from '../load.ts'
import { measure } from '../measure.ts'
import { NOWHERE } from './creates.ts'

const DAY_SECONDS = 86_400
/** Timers that are read in turn. */
const READ = 1_000

/** How many timers a second can be read, beside how many can be created. */
export const reads = measure('reads', async ({ scale, install, use, repeat }) => {
  const installation = await install()
  const load = await use(new LoadGenerator())
  const api = await installation.startApi()
  await load.create(api.url, NOWHERE, DAY_SECONDS, { amount: READ + CONNECTIONS })
  const paths = Array.from({ length: READ }, (_, index) => `/timers/${index + 1}`)
  const post = async (seconds: number) =>
    (await load.create(api.url, NOWHERE, DAY_SECONDS, { seconds })).perSecond
  const get = async (seconds: number) => {
    const gets = { url: api.url, method: 'GET', paths, connections: CONNECTIONS } as const
    return (await load.closedLoop({ ...gets, stop: { seconds } })).perSecond
  }

  if (scale.warmUp > 0) {
    await post(1)
    await get(1)
  }
  const results = await repeat(async () => ({
    post: await post(scale.seconds),
    get: await get(scale.seconds),
  }))
  return {
    figures: [
      figure({
        what: 'GET /timers/:id, 64 connections',
        unit: '/s',
        values: results.map((result) => result.get),
        reference: { what: 'POST /timers', values: results.map((result) => result.post) },
        goal: { on: 'ratio', atLeast: 2 },
      }),
    ],
    details: results,
  }
})
