import { randomBytes } from 'node:crypto'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { answerQuestions } from '../child.ts'

/**
 * The reference for creates: `Queue.add` of the same job (same data, same options, an id of its own), with nothing
 * around it.
 */
export interface RawAdds {
  readonly redisUrl: string
  readonly url: string
  readonly inFlight: number
  readonly durationMs: number
}

const requestIds = randomBytes(5).toString('hex')
const queues = new Map<string, Queue>()
let count = 0

/** Always the same one: jobs add up, as timers do. */
function queueOn(redisUrl: string): Queue {
  const known = queues.get(redisUrl)
  if (known !== undefined) return known
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null })
  const queue = new Queue('{0}', { connection, prefix: 'raw' })
  queues.set(redisUrl, queue)
  return queue
}

answerQuestions({
  /** Adds a second. */
  run: async ({ redisUrl, url, inFlight, durationMs }: RawAdds): Promise<number> => {
    const queue = queueOn(redisUrl)
    await queue.waitUntilReady()
    const startedAt = performance.now()
    let added = 0
    const keepAdding = async () => {
      while (performance.now() - startedAt < durationMs) {
        count += 1
        const data = { u: url, r: `${requestIds}-${count.toString(36)}` }
        await queue.add('t', data, { jobId: `t${count}`, delay: 86_400_000 })
        added += 1
      }
    }
    await Promise.all(Array.from({ length: inFlight }, keepAdding))
    return (added / (performance.now() - startedAt)) * 1_000
  },
})
