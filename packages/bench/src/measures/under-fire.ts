import { percentile } from '@timers/lab'
import { burstDueAt } from '../burst.ts'
import { figure } from '../figure.ts'
import { LoadGenerator } from '../load.ts'
import { measure } from '../measure.ts'
import { Receiver } from '../receiver.ts'
import { TimerSeeder } from '../timer-seeder.ts'
import { NOWHERE } from './creates.ts'

/** Each of creates and reads; by the clock. */
const PER_SECOND = 100
const DAY_SECONDS = 86_400
/** Fires a second that no machine reaches: as long as a burst lasts at least. */
const MOST_FIRES_PER_SECOND = 6_000

/** p99, in milliseconds. */
interface Waits {
  readonly post: number
  readonly get: number
}

/** How long clients wait for the API while a burst is being fired beside it, and while nothing is. */
export const underFire = measure('under-fire', async ({ scale, install, use, repeat, log }) => {
  const installation = await install()
  const receiver = await use(Receiver.start())
  const seeder = await use(TimerSeeder.start(installation.redis.url))
  const generators = [await use(new LoadGenerator()), await use(new LoadGenerator())] as const
  const api = await installation.startApi()
  await installation.startWorker()
  const durationMs = (scale.burst / MOST_FIRES_PER_SECOND) * 1_000
  const body = JSON.stringify({ seconds: DAY_SECONDS, url: NOWHERE })
  const paths = [...(await seeder.seed(100, NOWHERE, Date.now() + DAY_SECONDS * 1_000)).keys()].map(
    (id) => `/timers/${id}`,
  )
  const ask = async (startAt: number): Promise<Waits> => {
    const common = { url: api.url, perSecond: PER_SECOND, durationMs, startAt }
    const [posts, gets] = await Promise.all([
      generators[0].openLoop({ ...common, method: 'POST', paths: ['/timers'], body }),
      generators[1].openLoop({ ...common, method: 'GET', paths }),
    ])
    return { post: percentile([...posts.latencyMs], 0.99), get: percentile([...gets.latencyMs], 0.99) }
  }
  const askWhileFiring = async (count: number) => {
    const dueAt = burstDueAt(count)
    await receiver.reset()
    await seeder.seed(count, receiver.url, dueAt)
    const [answer] = await Promise.all([ask(dueAt), receiver.until(count)])
    const { at } = await receiver.arrivals()
    return { ...answer, covered: (at.at(-1) ?? 0) >= dueAt + durationMs }
  }
  if (scale.warmUp > 0) {
    await ask(0)
    await askWhileFiring(scale.warmUp)
  }
  const results = await repeat(async () => ({ rest: await ask(0), fire: await askWhileFiring(scale.burst) }))
  if (!results.every(({ fire }) => fire.covered)) log('under-fire: the burst was over before the load')
  const of = (what: string, name: 'post' | 'get') =>
    figure({
      what: `${what} p99 while a burst is fired`,
      unit: 'ms',
      values: results.map(({ fire }) => fire[name]),
      reference: { what: 'at rest', values: results.map(({ rest }) => rest[name]) },
      goal: { on: 'ratio', atMost: 5 },
    })
  return { figures: [of('GET /timers/:id', 'get'), of('POST /timers', 'post')], details: results }
})
