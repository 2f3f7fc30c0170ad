import { Agent } from 'node:http'
import { type Job, Queue, Worker } from 'bullmq'
import got, { type Request } from 'got'
import { Redis } from 'ioredis'
import { answerQuestions } from '../child.ts'
import type { ReferenceJob, ReferenceKind, ReferenceSeed, ReferenceStart } from '../reference-worker.ts'

/**
 * The references for fires that are not ours: a BullMQ worker, four Workers of 25 as we have, with
 * - `empty`: a processor that does nothing;
 * - `got`: one that does `got.stream.post` over kept-alive connections, and nothing else.
 */
type Kind = Exclude<ReferenceKind, 'plain'>
const WORKERS = 4
const CONCURRENCY = 25
const RETENTION = { age: 30 * 86_400, limit: 4 }

const agent = {
  http: new Agent({ keepAlive: true, timeout: 4_000, maxFreeSockets: 256, scheduling: 'lifo' }),
}
const bare = got.extend({ agent, retry: { limit: 0 } })
const PROCESSORS: Readonly<Record<Kind, (job: Job<ReferenceJob>) => Promise<null>>> = {
  empty: async () => null,
  got: ({ id, data }) => drained(bare.stream.post(`${data.u}/${id}`, { body: '' })),
}

function drained(stream: Request): Promise<null> {
  return new Promise((resolve, reject) => {
    stream.once('end', () => resolve(null))
    stream.once('error', reject)
    stream.resume()
  })
}

let queue: Queue | undefined
let finished = 0
let lastAt = 0
let firstAt = 0

async function open({ redisUrl, kind }: ReferenceStart): Promise<Redis> {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null })
  queue = new Queue('{0}', { connection, prefix: kind })
  // Kept as short as the product keeps it.
  await queue.waitUntilReady()
  await connection.hset(queue.toKey('meta'), 'opts.maxLenEvents', 100)
  return connection
}

answerQuestions({
  open: async (start: ReferenceStart) => void (await open(start)),
  work: async (start: ReferenceStart) => {
    const { kind } = start
    const connection = await open(start)
    const workers = Array.from({ length: WORKERS }, () => {
      const process = PROCESSORS[kind as Kind]
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
        },
      )
      worker.on('failed', (_job, error) => console.error(`${kind}: ${error.stack}`))
      return worker
    })
    await Promise.all(workers.map((worker) => worker.waitUntilReady()))
  },
  reset: () => {
    finished = 0
    firstAt = 0
    lastAt = 0
  },
  seed: async ({ count, url, dueAt }: ReferenceSeed) => {
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
