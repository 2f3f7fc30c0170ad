import { eventually } from '@timers/lab'
import { type Job, Worker, type WorkerOptions } from 'bullmq'
import { Redis } from 'ioredis'
import { Rig } from './rig.ts'

/**
 * What we know of BullMQ's keys and scripts, held against the BullMQ that is installed.
 *
 * Our own scripts move jobs between its sets in one step of their own, so each of these facts is relied on somewhere. When
 * BullMQ is updated, a failing test of bullmq-contract*.test.ts says which fact changed; compare the script's text, fit our
 * scripts, then renew the sums in bullmq-contract-scripts.test.ts.
 *
 * A change is written [before, after]; of the stream of events only what was added is shown, without ids. What a list of
 * changes does not name was not touched: `pc`, `limiter`, `metrics:*` and `prioritized` never are.
 */

/** Of the test that runs. */
export let rig: Rig
export let client: Redis
/** What every key of the queue begins with. */
export const P = 'test:{0}:'

/** To be called in a `describe`: a Redis for all of its tests, and a client for the BullMQ in them. */
export function useContractBed(): void {
  beforeAll(async () => {
    rig = await Rig.start()
    client = new Redis(rig.redis.url, { maxRetriesPerRequest: null, protocol: 2 })
  })
  beforeEach(() => rig.reset())
  afterAll(async () => {
    client.disconnect()
    await rig.close()
  })
}

type Value = string | string[] | Record<string, string> | Record<string, string>[]
type Snapshot = Record<string, Value>

const pairs = (flat: readonly string[]): Record<string, string> => {
  const all: Record<string, string> = {}
  for (let at = 0; at < flat.length; at += 2) all[flat[at] ?? ''] = flat[at + 1] ?? ''
  return all
}

/** Everything that the queue has in Redis, by key without its prefix. */
export async function snapshot(): Promise<Snapshot> {
  const all: Snapshot = {}
  for (const key of (await client.keys(`${P}*`)).sort()) {
    const name = key.slice(P.length)
    switch (await client.type(key)) {
      case 'string':
        all[name] = (await client.get(key)) ?? ''
        break
      case 'hash':
        all[name] = await client.hgetall(key)
        break
      case 'list':
        all[name] = await client.lrange(key, 0, -1)
        break
      case 'set':
        all[name] = await client.smembers(key)
        break
      case 'zset':
        all[name] = pairs((await client.call('ZRANGE', key, '0', '-1', 'WITHSCORES')) as string[])
        break
      default:
        all[name] = (await client.xrange(key, '-', '+')).map(([, fields]) => pairs(fields))
    }
  }
  return all
}

/** What a step changed: fields before and after; events only as they were added. */
export async function changesOf(step: () => Promise<unknown>): Promise<Record<string, unknown>> {
  const before = await snapshot()
  await step()
  const after = await snapshot()
  const changes: Record<string, unknown> = {}
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is] = [before[key], after[key]]
    if (JSON.stringify(was) === JSON.stringify(is)) continue
    if (key === 'events') changes[key] = (is as unknown[]).slice((was as unknown[] | undefined)?.length ?? 0)
    else if (isFields(was) && isFields(is)) {
      const fields = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(
        (field) => was[field] !== is[field],
      )
      changes[key] = Object.fromEntries(fields.map((field) => [field, [was[field], is[field]]]))
    } else changes[key] = [was, is]
  }
  return changes
}

const isFields = (value: Value | undefined): value is Record<string, string> =>
  typeof value === 'object' && !Array.isArray(value)

/** A Worker that does only what the test says. */
export function newWorker(options: Partial<WorkerOptions> = {}): Worker {
  const worker = new Worker(rig.keys().queueName, undefined, {
    connection: client,
    prefix: rig.prefix,
    autorun: false,
    lockDuration: 10_000,
    maxStalledCount: 1_000,
    ...options,
  })
  worker.on('error', () => {})
  rig.onClose(() => worker.close(true))
  return worker
}

export const add = (jobId: string, delay: number, timestamp = Date.now()) =>
  rig.queue().add('n', { u: 1 }, { jobId, delay, timestamp })

export async function take(worker: Worker, token = 'tok'): Promise<Job> {
  return eventually(async () => {
    const job = await worker.getNextJob(token, { block: false })
    if (job === undefined) throw new Error('nothing is due')
    return job
  })
}

export const checkStalled = (worker: Worker): Promise<string[]> =>
  (
    worker as unknown as { backend: { moveStalledJobsToWait(): Promise<string[]> } }
  ).backend.moveStalledJobsToWait()

/** A job in hand, marked by a beat of the stalled check. */
export async function taken(worker = newWorker()): Promise<Job> {
  await add('t1', 1)
  const job = await take(worker)
  await client.sadd(`${P}stalled`, 't1')
  return job
}
