import { type Static, Type } from '@sinclair/typebox'
import { commonSettings, listenSettings } from '@timers/runtime'

/** Settings of the worker. The tables in the documents are made of these descriptions. */
export const workerSettings = Type.Object({
  ...commonSettings,
  WORKER_CONCURRENCY: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    default: 100,
    description: 'Most webhooks that one worker process has in flight at a time',
  }),
  WEBHOOK_TIMEOUT_MS: Type.Integer({
    minimum: 100,
    maximum: 300_000,
    default: 15_000,
    description: 'Longest time for a whole webhook, from the connection to the answer, in milliseconds',
  }),
  DELIVERY_GIVE_UP_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 2_592_000,
    default: 86_400,
    description: 'How long after its due time a webhook that could never be sent is still tried, in seconds',
  }),
  DELIVERY_MAX_PER_ORIGIN: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    default: 20,
    description: 'Most webhooks in flight to one origin (scheme, host and port) in one worker process',
  }),
  RETENTION_DAYS: Type.Number({
    minimum: 0.00001,
    maximum: 3_650,
    default: 30,
    description: 'How long finished timers can be read before they are removed, in days; may be a fraction',
  }),
  STUCK_AFTER_MS: Type.Integer({
    minimum: 1_000,
    maximum: 3_600_000,
    default: 10_000,
    description:
      'How long timers may be due, with nothing being taken, before the watchdog restarts the consumer, in milliseconds',
  }),
  SHUTDOWN_TIMEOUT_MS: Type.Integer({
    minimum: 1_000,
    maximum: 600_000,
    default: 20_000,
    description: 'Longest time for an orderly stop, in milliseconds; keep it above WEBHOOK_TIMEOUT_MS',
  }),
  HOST: listenSettings.HOST,
  HEALTH_PORT: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 65_535,
      description: 'Port for /healthz, /readyz and /metrics; not set: the worker listens to no one',
    }),
  ),
})

export type WorkerSettings = Readonly<Static<typeof workerSettings>>
