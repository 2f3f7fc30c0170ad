import { figure } from '../figure.ts'
import { CONNECTIONS, LoadGenerator } from '../load.ts'
import { measure } from '../measure.ts'
import { NOWHERE } from './creates.ts'

const TIMERS = 1_000
/** Clients that send one batch after the other. */
const SENDERS = 4
const DAY_SECONDS = 86_400

/** How many timers a second can be created a thousand in a request, beside one in a request. */
export const batch = measure('batch', async ({ scale, install, use, repeat }) => {
  const installation = await install()
  const load = await use(new LoadGenerator())
  const api = await installation.startApi()
  const timer = { seconds: DAY_SECONDS, url: NOWHERE }
  const body = JSON.stringify({ timers: Array.from({ length: TIMERS }, () => timer) })
  const together = async (seconds: number) => {
    const { perSecond } = await load.closedLoop({
      url: api.url,
      method: 'POST',
      paths: ['/timers/batch'],
      body,
      connections: SENDERS,
      stop: { seconds },
    })
    return perSecond * TIMERS
  }
  const alone = async (seconds: number) =>
    (await load.create(api.url, NOWHERE, DAY_SECONDS, { seconds })).perSecond

  if (scale.warmUp > 0) {
    await together(2)
    await alone(2)
  }
  const results = await repeat(async () => ({
    batch: await together(scale.seconds),
    alone: await alone(scale.seconds),
  }))
  return {
    figures: [
      figure({
        what: `POST /timers/batch, ${TIMERS.toLocaleString('en-US')} timers each, ${SENDERS} connections: timers`,
        unit: '/s',
        values: results.map((result) => result.batch),
        reference: {
          what: `POST /timers, ${CONNECTIONS} connections`,
          values: results.map((result) => result.alone),
        },
        goal: { on: 'ratio', atLeast: 3 },
      }),
    ],
    details: results,
  }
})
