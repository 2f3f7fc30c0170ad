import { Agent } from 'node:http'
import { webhookUrl } from '@timers/core'
import { type Job, Queue, Worker, type WorkerOptions } from 'bullmq'
import got, { type Request, type Response } from 'got'
import { Redis } from 'ioredis'
import { answerQuestions } from '../child.ts'
import type { ReferenceJob, ReferenceKind } from '../reference-worker.ts'

/**
 * The references for fires: a BullMQ worker, four Workers of 25 like ours, with
 * - `empty`: a processor that does nothing;
 * - `got`: one that does `got.stream.post`, and nothing else;
 * - `plain`: our worker without what makes it trustworthy: the same client with the same timeouts, the same locks and
 *   retention, but no fence (claim and record), no address guard, no signature, no log line and no metrics.
 */
const WORKERS = 4
const CONCURRENCY = 25
const RETENTION = { age: 30 * 86_400, limit: 4 }

const agent = {
  http: new Agent({ keepAlive: true, timeout: 4_000, maxFreeSockets: 256, scheduling: 'lifo' }),
}
const bare = got.extend({ agent, retry: { limit: 0 } })
const careful = got.extend({
  agent,
  retry: { limit: 0 },
  followRedirect: false,
  throwHttpErrors: false,
  decompress: false,
  http2: false,
  timeout: {
    lookup: 5_000,
    connect: 10_000,
    secureConnect: 5_000,
    send: 5_000,
    response: 15_000,
    request: 15_000,
  },
  headers: { 'user-agent': 'timers/0.1 (webhook timer service)' },
})

const PROCESSORS: Readonly<Record<ReferenceKind, (job: Job<ReferenceJob>) => Promise<null>>> = {
  empty: async () => null,
  got: ({ id, data }) => drained(bare.stream.post(`${data.u}/${id}`, { body: '' })),
  plain: ({ id, data }) => {
    const headers = { 'webhook-id': `timer_${id}` }
    return answered(careful.stream.post(webhookUrl(data.u, Number(id)), { body: '', headers }))
  },
}

const OPTIONS: Readonly<Record<ReferenceKind, Partial<WorkerOptions>>> = {
  empty: {},
  got: {},
  plain: { lockDuration: 6_000, stalledInterval: 3_000, maxStalledCount: Number.MAX_SAFE_INTEGER },
}

function drained(stream: Request): Promise<null> {
  return new Promise((resolve, reject) => {
    stream.once('end', () => resolve(null))
    stream.once('error', reject)
    stream.resume()
  })
}

/** As our client reads an answer: at most 64 KiB of it, and at most two seconds long. */
function answered(stream: Request): Promise<null> {
  return new Promise((resolve, reject) => {
    stream.once('response', (_response: Response) => {
      let bytes = 0
      const timer = setTimeout(() => stream.destroy(), 2_000)
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > 65_536) stream.destroy()
      })
      stream.once('end', () => {
        clearTimeout(timer)
        resolve(null)
      })
    })
    stream.on('error', reject)
  })
}

let queue: Queue | undefined
let finished = 0
let lastAt = 0
let firstAt = 0

answerQuestions({
  start: async ({ redisUrl, kind }: { redisUrl: string; kind: ReferenceKind }) => {
    const connection = new Redis(redisUrl, { maxRetriesPerRequest: null })
    queue = new Queue('{0}', { connection, prefix: kind })
    // Kept as short as the product keeps it.
    await queue.waitUntilReady()
    await connection.hset(queue.toKey('meta'), 'opts.maxLenEvents', 100)
    const workers = Array.from({ length: WORKERS }, () => {
      const process = PROCESSORS[kind]
      const worker = new Worker<ReferenceJob>(
        '{0}',
        async (job) => {
          firstAt ||= Date.now()
          await process(job)
          finished += 1
          lastAt = Date.now()
          return null
        },
        {
          connection,
          prefix: kind,
          concurrency: CONCURRENCY,
          removeOnComplete: RETENTION,
          removeOnFail: RETENTION,
          ...OPTIONS[kind],
        },
      )
      worker.on('failed', (_job, error) => console.error(`${kind}: ${error.stack}`))
      return worker
    })
    await Promise.all(workers.map((worker) => worker.waitUntilReady()))
  },
  seed: async ({ count, url, dueAt }: { count: number; url: string; dueAt: number }) => {
    finished = 0
    firstAt = 0
    lastAt = 0
    for (let added = 0; added < count; added += 500) {
      const jobs = Array.from({ length: Math.min(500, count - added) }, () => ({
        name: 't',
        data: { u: url, r: '0123456789-abc' },
        opts: { delay: dueAt - Date.now() },
      }))
      await queue?.addBulk(jobs)
    }
    if (Date.now() > dueAt - 100) throw new Error(`adding ${count} jobs took too long for the burst`)
  },
  progress: () => ({ finished, firstAt, lastAt }),
})
