import { lookup } from 'node:dns'
import { type DueTimer, fireTimer, type Log, systemClock, type Timer } from '@timers/core'
import { createTimerConsumer } from '@timers/queue'
import { createMetrics } from '@timers/runtime'
import { answerQuestions } from '../child.ts'
import type { ReferenceSeed, ReferenceStart } from '../reference-worker.ts'
import { TimerSeeder } from '../timer-seeder.ts'

/**
 * A reference for fires: our worker without what makes it trustworthy, put together from the parts of the built one, so that
 * they stay the same. No fence (no claim, no outcome), no address guard, no signature, no log line.
 */
const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} }
const OPEN_DOOR = { check: () => 'allowed', lookup }
const NO_SIGNER = { sign: () => undefined }

const fromWorker = (path: string) =>
  import(new URL(`../../../../apps/worker/dist/${path}.js`, import.meta.url).href)

/** Grants every claim without asking; the step that finishes the job stays. */
function unfenced(due: DueTimer): DueTimer {
  return {
    timer: due.timer,
    takenOver: false,
    expiresAt: undefined,
    peek: async () => ({ kind: 'free' }),
    claim: async () => ({
      kind: 'granted',
      attempt: 1,
      plannedAt: undefined,
      budget: undefined,
      mayLeave: () => true,
    }),
    defer: (until, heldBy) => due.defer(until, heldBy),
    recall: (until, heldBy) => due.recall(until, heldBy),
    settle: (attempt, result, decision) => due.settle(attempt, result, decision),
    rest: () => due.rest(),
  }
}

let seeder: TimerSeeder | undefined
let finished = 0
let firstAt = 0
let lastAt = 0

answerQuestions({
  open: async ({ redisUrl, kind }: ReferenceStart) => {
    seeder = await TimerSeeder.start(redisUrl, { prefix: kind })
  },
  work: async ({ redisUrl, kind }: ReferenceStart) => {
    const { createGotWebhookClient } = await fromWorker('delivery/got-webhook-client')
    const { ReceiverGate } = await fromWorker('gate/receiver-gate')
    const { createWorkerMetrics } = await fromWorker('worker-metrics')
    const counts = createWorkerMetrics(createMetrics('plain'), {
      nodes: () => [],
      inFlight: () => consumer.inFlight,
      census: async () => undefined,
      clockSkewMs: () => 0,
      ready: () => true,
      breakersOpen: () => 0,
      watchdogRestarts: () => 0,
    })
    const deps = {
      client: createGotWebhookClient({
        timeoutMs: 15_000,
        userAgent: 'timers/0.1 (webhook timer service)',
        guard: OPEN_DOOR,
        signer: NO_SIGNER,
      }),
      gate: new ReceiverGate({ maxPerOrigin: 1_000, hands: 100, log: SILENT }),
      clock: systemClock,
      log: SILENT,
      giveUpAfterMs: 86_400_000,
      random: Math.random,
      onAttempt: counts.attempt,
      onFinished: (status: string, timer: Timer) => {
        counts.finished(status, timer)
        finished += 1
        lastAt = Date.now()
      },
    }
    const consumer = createTimerConsumer({
      redisUrl,
      shards: 1,
      prefix: kind,
      concurrency: 100,
      retentionDays: 30,
      log: SILENT,
      handle: (due) => {
        firstAt ||= Date.now()
        return fireTimer(unfenced(due), deps)
      },
    })
    await consumer.start()
  },
  reset: () => {
    finished = 0
    firstAt = 0
    lastAt = 0
  },
  seed: async ({ count, url, dueAt }: ReferenceSeed) => void (await seeder?.seed(count, url, dueAt)),
  progress: () => ({ finished, firstAt, lastAt }),
})
