import { setTimeout as sleep } from 'node:timers/promises'
import type { Log, TimerDraft, TimerRecord } from '@timers/core'
import { eventually, startTestRedis, type TestRedis } from '@timers/lab'
import { createRedisTimerStore, type RedisTimerStore } from '@timers/queue'
import { createLogger, parseSettings, type Service } from '@timers/runtime'
import { buildWorker, type WorkerDeps } from '../src/build-worker.ts'
import { workerSettings } from '../src/settings.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

export interface WorkerBed {
  readonly redis: TestRedis
  readonly store: RedisTimerStore
  /** Every log line of the workers, parsed. */
  readonly lines: Record<string, unknown>[]
  /** Starts a worker; more settings as in the environment. */
  startWorker(env?: Record<string, string>, deps?: Partial<WorkerDeps>): Promise<Service>
  /** Creates a timer; due in `delayMs`, a tenth of a second if not said. */
  schedule(draft: Partial<TimerDraft> & { url: string }): Promise<number>
  /** Waits until the timer's record satisfies `check`. */
  settled(id: number, check: (record: TimerRecord) => boolean, timeoutMs?: number): Promise<TimerRecord>
  close(): Promise<void>
}

/** A real Redis, a store to create timers with, and real workers in this process. */
export async function openWorkerBed(): Promise<WorkerBed> {
  const redis = await startTestRedis()
  const store = createRedisTimerStore({ redisUrl: redis.url, shards: 1, log: silent })
  await eventually(() => {
    if (!store.health().ready) throw new Error('the store is not ready')
  })
  const workers: Service[] = []
  const lines: Record<string, unknown>[] = []
  const logger = createLogger({
    service: 'worker',
    level: 'debug',
    destination: { write: (line) => lines.push(JSON.parse(line)) },
  })
  return {
    redis,
    store,
    lines,
    startWorker: async (env = {}, deps = {}) => {
      const settings = parseSettings(workerSettings, {
        REDIS_URL: redis.url,
        DELIVERY_ALLOW_CIDRS: '127.0.0.0/8',
        ...env,
      })
      const worker = buildWorker(settings, { logger, random: () => 0, ...deps })
      workers.push(worker)
      await worker.start()
      return worker
    },
    schedule: async (draft) => (await store.create({ delayMs: 100, ...draft })).id,
    settled: async (id, check, timeoutMs = 10_000) => {
      const until = Date.now() + timeoutMs
      for (;;) {
        const record = await store.find(id)
        if (record !== undefined && check(record)) return record
        if (Date.now() > until) throw new Error(`timer ${id} stayed ${JSON.stringify(record)}`)
        await sleep(20)
      }
    },
    close: async () => {
      for (const worker of workers) await worker.stop()
      await store.close()
      await redis.stop()
    },
  }
}
