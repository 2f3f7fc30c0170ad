import { percentile } from '@timers/lab'
import { latenessOf } from '../burst.ts'
import { figure } from '../figure.ts'
import { LoadGenerator } from '../load.ts'
import { measure } from '../measure.ts'
import { Receiver } from '../receiver.ts'
import { NOWHERE } from './creates.ts'

/** Timers that are created and fire beside it, by the clock. */
const PER_SECOND = 100
const A_STEP = 1_000
const DAY_SECONDS = 86_400
/** Longest time that the cancelling may take, in seconds. */
const WATCHED_SECONDS = 20

interface Walk {
  readonly from: number
  readonly to: number
  readonly cancelled: number
}

/** How late other timers are while a hundred thousand are cancelled by their label, and while nothing is. */
export const bulk = measure('bulk', async ({ scale, install, use, repeat, log }) => {
  const count = Math.min(100_000, scale.timers)
  const installation = await install()
  const receiver = await use(Receiver.start())
  const load = await use(new LoadGenerator())
  const api = await installation.startApi()
  await installation.startWorker()

  const post = async (path: string, body: string): Promise<Response> => {
    const headers = { 'content-type': 'application/json' }
    const reply = await fetch(`${api.url}${path}`, { method: 'POST', headers, body })
    // A busy machine: nothing could be done within two seconds. The same step again is what a client does.
    if (reply.status === 503) return post(path, body)
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`)
    return reply
  }
  const create = async (): Promise<number> => {
    let created = 0
    const timer = { seconds: DAY_SECONDS, url: NOWHERE, labels: ['bulk'] }
    const body = JSON.stringify({ timers: Array.from({ length: A_STEP }, () => timer) })
    for (let asked = 0; asked < count; asked += A_STEP) {
      const { results } = (await (await post('/timers/batch', body)).json()) as {
        results: { status: number }[]
      }
      created += results.filter(({ status }) => status === 201).length
    }
    return created
  }
  const cancel = async (): Promise<Walk> => {
    const from = Date.now()
    let cancelled = 0
    let cursor: string | undefined
    do {
      const body = JSON.stringify({ filter: { label: 'bulk' }, limit: A_STEP, cursor })
      const step = (await (await post('/timers/cancel', body)).json()) as {
        done: number
        next_cursor?: string
      }
      cancelled += step.done
      cursor = step.next_cursor
    } while (cursor !== undefined)
    return { from, to: Date.now(), cancelled }
  }
  /** Lateness of what is due while `work` is done. */
  const latenessWhile = async (work: () => Promise<Walk>) => {
    await receiver.reset()
    const body = JSON.stringify({ seconds: 1, url: receiver.url })
    const [created, walk] = await Promise.all([
      load.openLoop({
        url: api.url,
        method: 'POST',
        paths: ['/timers'],
        body,
        perSecond: PER_SECOND,
        durationMs: WATCHED_SECONDS * 1_000,
      }),
      // The first timers are due by then.
      new Promise((resolve) => setTimeout(resolve, 1_500)).then(work),
    ])
    await receiver.until(created.ids.length)
    const dueById = new Map([...created.ids].map((id, index) => [id, created.dueAt[index] as number]))
    const arrivals = await receiver.arrivals()
    const lateness = latenessOf(arrivals, dueById).filter((_, index) => {
      const dueAt = dueById.get(arrivals.ids[index] as number) as number
      return dueAt >= walk.from && dueAt <= walk.to
    })
    return { p99: percentile(lateness, 0.99), watched: lateness.length, ...walk }
  }
  const rest = async (): Promise<Walk> => {
    const from = Date.now()
    await new Promise((resolve) => setTimeout(resolve, 10_000))
    return { from, to: Date.now(), cancelled: 0 }
  }

  const left = async () => {
    const reply = await post('/timers/cancel', JSON.stringify({ filter: { label: 'bulk' }, dry_run: true }))
    return ((await reply.json()) as { matched: number }).matched
  }

  const results = await repeat(async () => {
    const created = await create()
    const result = { alone: await latenessWhile(rest), beside: await latenessWhile(cancel) }
    // A machine that is too busy for one step in two seconds creates fewer, and is not told of all that it cancelled.
    log(`bulk: ${created} created, ${result.beside.cancelled} told to be cancelled`)
    if ((await left()) > 0) throw new Error('timers were left over')
    return result
  })
  const [alone, beside] = [results.map((each) => each.alone.p99), results.map((each) => each.beside.p99)]
  const what = `lateness p99 at ${PER_SECOND}/s while ${count.toLocaleString('en-US')} are cancelled by label`
  return {
    figures: [
      figure({ what, unit: 'ms', values: beside, reference: { what: 'while nothing is', values: alone } }),
      figure({
        what: `${what}: more than without`,
        unit: 'ms',
        values: beside.map((value, index) => value - (alone[index] as number)),
        goal: { on: 'value', atMost: 20 },
      }),
      figure({
        what: `cancels by label, in steps of ${A_STEP.toLocaleString('en-US')}`,
        unit: '/s',
        values: results.map(({ beside: { cancelled, from, to } }) => (cancelled / (to - from)) * 1_000),
      }),
    ],
    details: results,
  }
})
