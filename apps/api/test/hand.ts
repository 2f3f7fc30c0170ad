import type { AttemptResult, DueTimer, FinalStatus, Log } from '@timers/core'
import { createTimerConsumer } from '@timers/queue'

/** A worker without HTTP: it claims what is due, and the path of a timer's URL says what becomes of it. */
export interface Hand {
  /** Lets the timers go that are held while they fire; they end as `fired`. */
  release(): void
  stop(): Promise<void>
}

const RESULTS: Readonly<Record<string, readonly [FinalStatus, Partial<AttemptResult>]>> = {
  '/failed': ['failed', { outcome: 'rejected', responseStatus: 400 }],
  '/unknown': ['unknown', { outcome: 'ambiguous', reason: 'no answer' }],
}

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** `/failed` and `/unknown` end so, `/firing` is held until `release`, everything else is `fired`. */
export async function startHand(redisUrl: string, shards = 1): Promise<Hand> {
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })

  async function handle(due: DueTimer): Promise<void> {
    const claim = await due.claim()
    if (claim.kind === 'finished') return due.rest()
    if (claim.kind === 'early') return due.defer(claim.at)
    if (claim.kind !== 'granted') return
    const { pathname } = new URL(due.timer.url)
    if (pathname === '/firing') await released
    const [status, result] = RESULTS[pathname] ?? ['fired', { outcome: 'delivered', responseStatus: 200 }]
    const attempt = { outcome: 'delivered', sentAt: Date.now(), ...result } as AttemptResult
    await due.settle(claim.attempt, attempt, {
      kind: 'final',
      status: status as 'failed' | 'fired' | 'unknown',
    })
  }

  const consumer = createTimerConsumer({
    redisUrl,
    shards,
    log: SILENT,
    concurrency: 50,
    retentionDays: 1,
    handle,
  })
  await consumer.start()
  return {
    release: () => release(),
    stop: async () => {
      release()
      await consumer.stop()
    },
  }
}
