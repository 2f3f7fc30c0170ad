import { setTimeout as sleep } from 'node:timers/promises'
import { percentile } from '@timers/lab'
import { watchProcessors } from '../burst.ts'
import { figure } from '../figure.ts'
import { measure } from '../measure.ts'
import { Receiver } from '../receiver.ts'
import { TimerSeeder } from '../timer-seeder.ts'

const HOUR_MS = 3_600_000
/** The worker is up by then, and at the backlog, in milliseconds. */
const UP_MS = 2_500
/** How often a timer to another receiver comes due, and one to that of the backlog, in milliseconds. */
const EVERY_MS = 10
const SAME_EVERY_MS = 100
/** What the slow receiver takes to answer; with the default of `DELIVERY_MAX_PER_ORIGIN` it takes forty a second. */
const SLOW_MS = 500
/** What has not arrived so long after the last was due is as late as that. */
const PATIENCE_MS = 5_000

/** Lateness in milliseconds. */
interface Result {
  readonly other: readonly number[]
  readonly same: readonly number[]
  /** Webhooks a second to the receiver of the backlog, while the new timers came. */
  readonly perSecond: number
  /** Processor time a second, in milliseconds. */
  readonly workerMs: number
  readonly redisMs: number
  /** Until the whole backlog was through, in milliseconds. */
  readonly drainMs: number | undefined
}

/**
 * After a downtime: how late timers are that come due now, while the worker still has all those before it that came due
 * while it was away. The backlog is for one receiver, a quick one or a slow one. One worker process, and the default of
 * `DELIVERY_MAX_PER_ORIGIN`.
 */
export const backlog = measure('backlog', async ({ scale, install, use, repeat }) => {
  const { count, watchMs } = scale.backlog
  let round = 0
  const run = async (kind: 'quick' | 'slow', news: boolean): Promise<Result> => {
    round += 1
    const installation = await install(`backlog-${round}`)
    const seeder = await use(TimerSeeder.start(installation.redis.url))
    const behind = await use(Receiver.start({ answerAfterMs: kind === 'slow' ? SLOW_MS : 0 }))
    const other = await use(Receiver.start())
    await seeder.seedOverdue(count, behind.url, Date.now() - HOUR_MS)
    await Promise.all([behind.reset(), other.reset()])
    const firstAt = Date.now() + UP_MS
    const steady = (everyMs: number, { url }: Receiver) =>
      seeder.seedEach(news ? watchMs / everyMs : 0, (index) => ({ url, dueAt: firstAt + index * everyMs }))
    const dueOther = await steady(EVERY_MS, other)
    const dueSame = await steady(SAME_EVERY_MS, behind)
    const worker = await installation.startWorker({ DELIVERY_MAX_PER_ORIGIN: 20 })
    const upAt = Date.now()
    const processors = await watchProcessors(
      { worker: worker.pid, redis: installation.redis.pid ?? 0 },
      firstAt,
    )
    const [before, beforeAt] = [await behind.count(), Date.now()]
    await sleep(firstAt + watchMs - Date.now())
    const { worker: workerUs = 0, redis: redisUs = 0 } = processors((Date.now() - beforeAt) / 1_000)
    const perSecond = ((await behind.count()) - before) / ((Date.now() - beforeAt) / 1_000)
    await Promise.all([
      other.until(dueOther.size, PATIENCE_MS).catch(() => {}),
      kind === 'quick' ? behind.until(count + dueSame.size, 60_000 + count) : sleep(PATIENCE_MS),
    ])
    const endAt = Date.now()
    const arrived = await arrivedAt(behind)
    const result = {
      other: latenessOf(await arrivedAt(other), dueOther, endAt),
      same: latenessOf(arrived, dueSame, endAt),
      perSecond,
      workerMs: workerUs / 1_000,
      redisMs: redisUs / 1_000,
      drainMs: kind === 'quick' ? lastOf(arrived, dueSame) - upAt : undefined,
    }
    await worker.kill()
    return result
  }
  const results = await repeat(
    async () => ({
      alone: await run('quick', false),
      quick: await run('quick', true),
      slow: await run('slow', true),
    }),
    ({ alone, quick, slow }) => `\n  alone ${told(alone)}\n  quick ${told(quick)}\n  slow  ${told(slow)}`,
  )
  const beside = `beside ${count.toLocaleString('en-US')} overdue ones to`
  const rows = (['quick', 'slow'] as const).flatMap((kind) =>
    (['other', 'same'] as const).flatMap((whom) =>
      [0.5, 0.99].map((share) =>
        figure({
          what: `lateness p${share * 100} of new timers to ${whom === 'same' ? 'the same' : 'another'} receiver, ${beside} a ${kind} one`,
          unit: 'ms',
          values: results.map((result) => percentile([...result[kind][whom]], share)),
          ...(whom === 'other' && share === 0.99 && { goal: { on: 'value', atMost: 250 } as const }),
        }),
      ),
    ),
  )
  return {
    figures: [
      ...rows,
      figure({
        what: `${count.toLocaleString('en-US')} overdue timers to a quick receiver, and new ones beside`,
        unit: 's',
        values: results.map(({ quick }) => (quick.drainMs ?? 0) / 1_000),
        reference: {
          what: 'no new ones',
          values: results.map(({ alone }) => (alone.drainMs ?? 0) / 1_000),
        },
        goal: { on: 'ratio', atMost: 1.25 },
      }),
      figure({
        what: `webhooks to a slow receiver with ${count.toLocaleString('en-US')} overdue`,
        unit: '/s',
        values: results.map(({ slow }) => slow.perSecond),
      }),
      figure({
        what: 'processor time of the worker meanwhile, of a second',
        unit: 'ms',
        values: results.map(({ slow }) => slow.workerMs),
      }),
    ],
    details: results,
  }
})

async function arrivedAt(receiver: Receiver): Promise<ReadonlyMap<number, number>> {
  const { ids, at } = await receiver.arrivals()
  return new Map([...ids].map((id, index) => [id, at[index] as number]))
}

/** Ascending. */
function latenessOf(
  arrived: ReadonlyMap<number, number>,
  dueById: ReadonlyMap<number, number>,
  endAt: number,
): number[] {
  return [...dueById].map(([id, dueAt]) => (arrived.get(id) ?? endAt) - dueAt).sort((a, b) => a - b)
}

/** When the last one of the backlog arrived. */
function lastOf(arrived: ReadonlyMap<number, number>, dueSame: ReadonlyMap<number, number>): number {
  let last = 0
  for (const [id, at] of arrived) if (!dueSame.has(id)) last = Math.max(last, at)
  return last
}

function told({ other, same, perSecond, workerMs, redisMs, drainMs }: Result): string {
  const of = (values: readonly number[]) =>
    values.length === 0
      ? '-'
      : `p50 ${percentile([...values], 0.5)} p99 ${percentile([...values], 0.99)} max ${values.at(-1)} ms`
  const parts = [
    `another: ${of(other)}`,
    `same: ${of(same)}`,
    `${perSecond.toFixed(0)}/s`,
    `worker ${workerMs.toFixed(0)} Redis ${redisMs.toFixed(0)} ms/s`,
  ]
  if (drainMs !== undefined) parts.push(`through in ${(drainMs / 1_000).toFixed(1)} s`)
  return parts.join('; ')
}
