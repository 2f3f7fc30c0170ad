import { lookup } from 'node:dns'
import { type Log, requestLeft, type WebhookClient } from '@timers/core'
import { createTimerConsumer } from '@timers/queue'
import { answerQuestions } from '../child.ts'
import type { ReferenceStart } from '../reference-worker.ts'
import { TimerSeeder } from '../timer-seeder.ts'

/**
 * A reference for fires: our worker without what makes it trustworthy. The same consumer and the same client, but no fence
 * (no claim, no outcome), no address guard, no signature, no log line, no cap per origin and no metrics.
 */
const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} }
const OPEN_DOOR = { check: () => 'allowed', lookup }
const NO_SIGNER = { sign: () => undefined }

/** The client is taken from the built worker, so that it stays the same. */
async function buildClient(): Promise<WebhookClient> {
  const file = new URL('../../../../apps/worker/dist/delivery/got-webhook-client.js', import.meta.url)
  const { createGotWebhookClient } = await import(file.href)
  return createGotWebhookClient({
    timeoutMs: 15_000,
    userAgent: 'timers/0.1 (webhook timer service)',
    guard: OPEN_DOOR,
    signer: NO_SIGNER,
  })
}

let seeder: TimerSeeder | undefined
let finished = 0
let firstAt = 0
let lastAt = 0

answerQuestions({
  start: async ({ redisUrl, kind }: ReferenceStart) => {
    const client = await buildClient()
    const consumer = createTimerConsumer({
      redisUrl,
      shards: 1,
      prefix: kind,
      concurrency: 100,
      retentionDays: 30,
      log: SILENT,
      handle: async ({ timer: { id, url } }) => {
        firstAt ||= Date.now()
        const { outcome, reason } = await client.send({ id, url, attempt: 1 })
        if (!requestLeft(outcome)) throw new Error(reason)
        finished += 1
        lastAt = Date.now()
        return { kind: 'finish', status: 'fired' }
      },
    })
    await consumer.start()
    seeder = await TimerSeeder.start(redisUrl, kind)
  },
  seed: async ({ count, url, dueAt }: { count: number; url: string; dueAt: number }) => {
    finished = 0
    firstAt = 0
    lastAt = 0
    await seeder?.seed(count, url, dueAt)
  },
  progress: () => ({ finished, firstAt, lastAt }),
})
