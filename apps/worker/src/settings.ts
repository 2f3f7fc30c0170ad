import { type Static, Type } from '@sinclair/typebox'
import { commonSettings, eventSettings, listenSettings, targetSettings } from '@timers/runtime'
import { SECRET_PATTERN } from './delivery/signature.ts'

/** Settings of the worker. The tables in the documents are made of these descriptions. */
export const workerSettings = Type.Object({
  ...commonSettings,
  WORKER_CONCURRENCY: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    default: 2_000,
    description:
      'Most webhooks that one worker process has in flight at a time; those that wait cost memory only',
  }),
  WEBHOOK_TIMEOUT_MS: Type.Integer({
    minimum: 100,
    maximum: 300_000,
    default: 15_000,
    description: 'Longest time for a whole webhook, from the connection to the answer, in milliseconds',
  }),
  ...targetSettings,
  DELIVERY_PROXY_URL: Type.Optional(
    Type.String({
      pattern: '^https?://[^/?#]+/?$',
      wording: 'a URL such as http://user:password@proxy.example:3128',
      description:
        'Proxy for all webhooks (CONNECT); it then decides which host names may be reached. Not set: no proxy, whatever HTTP_PROXY says',
    }),
  ),
  ...eventSettings,
  WEBHOOK_SECRETS: Type.Array(Type.String({ pattern: SECRET_PATTERN }), {
    default: [],
    wording: 'one or more secrets, each whsec_ followed by 24 to 64 bytes in base64',
    description:
      'Secrets that sign webhooks (Standard Webhooks), separated by commas; give several while you replace one. Not set: webhooks are not signed',
  }),
  DELIVERY_GIVE_UP_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 2_592_000,
    default: 86_400,
    description:
      'How long a webhook whose request never left is still tried, from its first attempt on, in seconds',
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
      'How long timers may be due while none is taken, before the watchdog restarts the consumer, in milliseconds',
  }),
  SHUTDOWN_TIMEOUT_MS: Type.Optional(
    Type.Integer({
      minimum: 1_000,
      maximum: 600_000,
      description:
        'Longest time for an orderly stop, in milliseconds; not set: WEBHOOK_TIMEOUT_MS plus 5 seconds, so that webhooks in flight can end',
    }),
  ),
  HOST: listenSettings.HOST,
  HEALTH_PORT: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 65_535,
      description: 'Port for /healthz, /readyz and /metrics; not set: the worker opens no port',
    }),
  ),
})

export type WorkerSettings = Readonly<Static<typeof workerSettings>>
