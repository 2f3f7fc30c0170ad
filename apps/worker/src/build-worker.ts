import { type Clock, fireTimer, systemClock } from '@timers/core'
import { createTimerConsumer } from '@timers/queue'
import {
  createMetrics,
  eventsOf,
  type Logger,
  listening,
  type Readiness,
  redisOf,
  type Service,
  SettingsError,
  startHealthServer,
} from '@timers/runtime'
import { logAttempt } from './attempt-log.ts'
import { announceDelivery, createWebhookClient, type DeliveryDeps } from './delivery/create-webhook-client.ts'
import { ReceiverGate } from './gate/receiver-gate.ts'
import type { WorkerSettings } from './settings.ts'
import { createWorkerMetrics } from './worker-metrics.ts'

export interface WorkerDeps extends DeliveryDeps {
  readonly logger: Logger
  readonly clock?: Clock
  readonly random?: () => number
  /** First part of every Redis key; tests give each suite its own. */
  readonly prefix?: string
}

/** Puts a worker together. Reads no environment, and listens only where `HEALTH_PORT` is set. */
export function buildWorker(settings: WorkerSettings, deps: WorkerDeps): Service {
  const { logger } = deps
  if (settings.WORKER_CONCURRENCY < settings.TIMER_SHARDS) {
    const least = settings.TIMER_SHARDS
    throw new SettingsError([
      `WORKER_CONCURRENCY must be at least TIMER_SHARDS (${least}): each shard needs a hand`,
    ])
  }
  const metrics = createMetrics('worker')
  const client = createWebhookClient(settings, deps)
  const gate = new ReceiverGate({
    maxPerOrigin: settings.DELIVERY_MAX_PER_ORIGIN,
    hands: settings.WORKER_CONCURRENCY,
    log: logger,
  })
  const consumer = createTimerConsumer({
    ...redisOf(settings),
    events: eventsOf(settings),
    ...(deps.prefix === undefined ? {} : { prefix: deps.prefix }),
    concurrency: settings.WORKER_CONCURRENCY,
    retentionDays: settings.RETENTION_DAYS,
    stuckAfterMs: settings.STUCK_AFTER_MS,
    log: logger,
    handle: (due) =>
      fireTimer(due, {
        client,
        gate,
        clock: deps.clock ?? systemClock,
        log: logger,
        giveUpAfterMs: settings.DELIVERY_GIVE_UP_SECONDS * 1_000,
        random: deps.random ?? Math.random,
        onAttempt: (report) => {
          counts.attempt(report)
          logAttempt(report, logger)
        },
        onFinished: (status, timer) => counts.finished(status, timer),
      }),
  })
  const counts = createWorkerMetrics(metrics, {
    inFlight: () => consumer.inFlight,
    census: () => consumer.census(),
    clockSkewMs: () => consumer.health().clockSkewMs,
    nodes: () => consumer.nodes(),
    ready: () => readiness().ready,
    breakersOpen: () => gate.breakersOpen,
    watchdogRestarts: () => consumer.restarts,
  })
  let stopping = false
  let health: { close(): Promise<void> } | undefined

  const readiness = (): Readiness => {
    const { ready, problems, advice } = consumer.health()
    return { ready: ready && !stopping, problems: stopping ? ['stopping'] : problems, advice }
  }

  return {
    failed: consumer.failed,
    async start() {
      announceDelivery(settings, logger)
      if (settings.HEALTH_PORT !== undefined) {
        const { HOST: host, HEALTH_PORT: port } = settings
        health = await listening('HEALTH_PORT', port, () =>
          startHealthServer({ host, port, readiness, metrics }),
        )
      }
      await consumer.start()
      if (!stopping)
        logger.info(
          { concurrency: settings.WORKER_CONCURRENCY, shards: settings.TIMER_SHARDS },
          'worker ready',
        )
    },
    async stop() {
      stopping = true
      gate.close()
      await consumer.stop()
      client.close()
      await health?.close()
    },
  }
}
