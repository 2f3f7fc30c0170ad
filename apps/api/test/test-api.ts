import type { AddressInfo } from 'node:net'
import { type Clock, systemClock, type TimerRecord } from '@timers/core'
import { eventually } from '@timers/lab'
import { createRedisTimerStore } from '@timers/queue'
import { createLogger, createMetrics, parseSettings, redisOf } from '@timers/runtime'
import type { App } from '../src/app.ts'
import { buildApp } from '../src/build-app.ts'
import { connectionBounds } from '../src/connection-bounds.ts'
import { apiSettings } from '../src/settings.ts'

export interface TestApiOptions {
  readonly redisUrl: string
  /** Settings as they would stand in the environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly clock?: Clock
}

/** An API on a real Redis, with its log in memory. */
export interface TestApi {
  readonly app: App
  /** Every line logged so far. The live list. */
  readonly logs: readonly Readonly<Record<string, unknown>>[]
  /** A timer as Redis has it. */
  find(id: number): Promise<TimerRecord | undefined>
  /** Listens on a free port of 127.0.0.1 and gives it. */
  listen(): Promise<number>
  /** Resolves when the routes are built, as they are before a service listens, and Redis was verified. */
  ready(): Promise<void>
  close(): Promise<void>
}

/** Builds the API as `main.ts` does. The test must `close()` it. */
export async function startTestApi({
  redisUrl,
  env = {},
  clock = systemClock,
}: TestApiOptions): Promise<TestApi> {
  const settings = parseSettings(apiSettings, { REDIS_URL: redisUrl, ...env })
  const logs: Record<string, unknown>[] = []
  const logger = createLogger({
    service: 'api',
    level: 'info',
    destination: { write: (line) => void logs.push(JSON.parse(line)) },
  })
  const store = createRedisTimerStore({ ...redisOf(settings), log: logger })
  const app = buildApp(settings, {
    store,
    clock,
    logger,
    metrics: createMetrics('api'),
    connectionBounds: connectionBounds(settings, undefined),
  })
  return {
    app,
    logs,
    find: (id) => store.find(id),
    listen: async () => {
      await app.listen({ host: '127.0.0.1', port: 0 })
      return (app.server.address() as AddressInfo).port
    },
    ready: async () => {
      await app.ready()
      await eventually(() => expect(store.health().ready).toBe(true))
    },
    close: async () => {
      await app.close()
      await store.close()
    },
  }
}
