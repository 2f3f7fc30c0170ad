import type { Installation } from '@timers/lab'
import { figure } from '../figure.ts'
import { LoadGenerator } from '../load.ts'
import { type Bench, measure } from '../measure.ts'
import { NOWHERE } from './creates.ts'

const FEW = 1_000
const LONG_SECONDS = 30 * 86_400
/** Share of the timers that are due in one millisecond. */
const AT_ONCE = 0.1
const BUCKETS = 1_440
/** First pages of one repeat. */
const PAGES = 200
/** Pages of 1,000 that are walked through for the longest command, from the beginning, and from among those due at once. */
const WALKED = 10
/** How often the same walks are made. */
const TIMES = 4

interface Side {
  readonly installation: Installation
  readonly url: string
}

/** What a page of the list costs beside many timers, and how long it keeps Redis from everything else. */
export const list = measure('list', async (bench) => {
  const { scale, repeat, use } = bench
  const load = await use(new LoadGenerator())
  const dueAtOnce = new Date(Date.now() + LONG_SECONDS * 1_000).toISOString()
  const few = await startSide(bench, 'list-few')
  await fill(few, load, Math.min(FEW, scale.timers), dueAtOnce)
  const many = await startSide(bench, 'list-many')
  await fill(many, load, scale.timers, dueAtOnce)

  // In turn, page by page: what the machine does meanwhile falls on both.
  const firstPages = () =>
    medianMs(
      PAGES,
      [few, many].map(
        ({ url }) =>
          () =>
            get(`${url}/timers`),
      ),
    )
  const forecast = `/forecast?to=${new Date(Date.now() + 40 * 86_400_000).toISOString()}&bucket=2400`
  const forecastOnce = async () => {
    const { buckets } = (await get(many.url + forecast)) as { buckets: readonly unknown[] }
    if (buckets.length !== BUCKETS) throw new Error(`${buckets.length} buckets`)
  }
  await firstPages()
  const results = await repeat(async () => ({
    firstPagesMs: await firstPages(),
    forecastMs: (await medianMs(5, [forecastOnce]))[0] ?? 0,
    longestUs: await longestCommand(many, async () => {
      await walk(many, {})
      await walk(many, { order: 'desc' })
      await walk(many, { due_after: dueAtOnce })
      await walk(many, { due_before: dueAtOnce, order: 'desc', origin: 'https://nobody.example' })
      await get(many.url + forecast)
      await get(`${many.url}/stats`)
    }),
  }))
  const timers = scale.timers.toLocaleString('en-US')
  return {
    figures: [
      figure({
        what: `first page of GET /timers, ${timers} pending`,
        unit: 'ms',
        values: results.map(({ firstPagesMs }) => firstPagesMs[1] ?? 0),
        reference: { what: 'with 1,000', values: results.map(({ firstPagesMs }) => firstPagesMs[0] ?? 0) },
        goal: { on: 'ratio', atMost: 2 },
      }),
      figure({
        what: 'longest command of lists, stats and forecasts in Redis',
        unit: 'ms',
        values: results.map((result) => result.longestUs / 1_000),
        goal: { on: 'value', atMost: 2 },
        note: `each command counts with the shortest of ${TIMES} times that the same pages were read`,
      }),
      figure({
        what: `forecast of ${BUCKETS.toLocaleString('en-US')} buckets, ${timers} pending`,
        unit: 'ms',
        values: results.map((result) => result.forecastMs),
      }),
    ],
    details: results,
  }
})

async function startSide({ install }: Bench, name: string): Promise<Side> {
  const installation = await install(name)
  return { installation, url: (await installation.startApi()).url }
}

/** In batches: what is measured here is not creating. */
async function fill({ url }: Side, load: LoadGenerator, count: number, dueAtOnce: string): Promise<void> {
  const batch = Math.min(1_000, Math.floor(count / 20))
  for (const [due, share] of [
    [{ seconds: LONG_SECONDS }, 1 - AT_ONCE],
    [{ at: dueAtOnce }, AT_ONCE],
  ] as const) {
    const timers = Array.from({ length: batch }, () => ({ ...due, url: NOWHERE }))
    const creates = {
      url,
      method: 'POST',
      paths: ['/timers/batch'],
      body: JSON.stringify({ timers }),
    } as const
    await load.closedLoop({
      ...creates,
      connections: 2,
      stop: { amount: Math.round((count * share) / batch) },
    })
  }
  const { counts } = (await get(`${url}/stats`)) as { counts: { pending: number } }
  if (counts.pending < 0.9 * count) throw new Error(`only ${counts.pending} timers wait`)
}

async function get(url: string): Promise<unknown> {
  const reply = await fetch(url)
  if (reply.status !== 200) throw new Error(`${reply.status}: ${await reply.text()}`)
  return reply.json()
}

/** The median of each, done in turn so many times. */
async function medianMs(count: number, each: readonly (() => Promise<unknown>)[]): Promise<number[]> {
  const took: number[][] = each.map(() => [])
  for (let times = 0; times < count; times += 1) {
    for (const [at, once] of each.entries()) {
      const startedAt = performance.now()
      await once()
      took[at]?.push(performance.now() - startedAt)
    }
  }
  return took.map((times) => times.sort((a, b) => a - b)[Math.floor(count / 2)] ?? 0)
}

async function walk({ url }: Side, filters: Readonly<Record<string, string>>): Promise<void> {
  let cursor: string | undefined
  for (let pages = 0; pages < WALKED; pages += 1) {
    const query = new URLSearchParams({ ...filters, limit: '1000', ...(cursor !== undefined && { cursor }) })
    const page = (await get(`${url}/timers?${query}`)) as { readonly next_cursor?: string }
    cursor = page.next_cursor
    if (cursor === undefined) return
  }
}

/**
 * The longest command of the same work done several times, by Redis' own clock, in microseconds: each command counts with the
 * shortest of its times. The others hold what the machine did meanwhile, and Redis did not.
 */
async function longestCommand({ installation }: Side, work: () => Promise<unknown>): Promise<number> {
  const { redis } = installation
  await redis.command('CONFIG', 'SET', 'slowlog-log-slower-than', '0', 'slowlog-max-len', '200000')
  let shortest: readonly number[] | undefined
  for (let times = 0; times < TIMES; times += 1) {
    await redis.command('SLOWLOG', 'RESET')
    await work()
    const entries = (await redis.command('SLOWLOG', 'GET', '-1')) as unknown as readonly SlowlogEntry[]
    // All else that is asked of Redis is asked by the clock, and is not the same each time.
    const took = entries.filter(([, , , [name]]) => /^(evalsha|hgetall)$/i.test(name)).map(([, , us]) => us)
    if (shortest !== undefined && shortest.length !== took.length)
      throw new Error('not the same commands again')
    shortest = took.map((us, at) => Math.min(us, shortest?.[at] ?? us))
  }
  await redis.command('CONFIG', 'SET', 'slowlog-log-slower-than', '-1')
  return (shortest ?? []).reduce((longest, us) => Math.max(longest, us), 0)
}

type SlowlogEntry = readonly [id: number, at: number, us: number, words: readonly [string]]
