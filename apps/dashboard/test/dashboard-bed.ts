import { openShardQueues, type RedisOptions } from '@timers/queue'
import { createLogger, parseSettings } from '@timers/runtime'
import { buildDashboard } from '../src/build-dashboard.ts'
import { dashboardSettings } from '../src/settings.ts'

export const USER = 'operator'
export const PASSWORD = 'pässword: with a colon'

export interface TestDashboard {
  /** A GET with the right login, unless told otherwise. */
  get(url: string, authorization?: string | null): ReturnType<typeof inject>
  send(method: 'PUT' | 'POST' | 'PATCH' | 'DELETE', url: string): ReturnType<typeof inject>
  readonly logs: readonly object[]
  close(): Promise<void>
}

const inject = (app: ReturnType<typeof buildDashboard>, options: object) => app.inject(options)

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

/** A dashboard as `main.ts` builds it, with its log in memory. */
export function startDashboard(redis: Omit<RedisOptions, 'log'>): TestDashboard {
  const settings = parseSettings(dashboardSettings, { DASHBOARD_USER: USER, DASHBOARD_PASSWORD: PASSWORD })
  const logs: object[] = []
  const destination = { write: (line: string) => void logs.push(JSON.parse(line)) }
  const logger = createLogger({ service: 'dashboard', level: 'info', destination })
  const shardQueues = openShardQueues({ ...redis, log: logger })
  const app = buildDashboard(settings, { shardQueues, logger })
  return {
    logs,
    get: (url, authorization = basic(USER, PASSWORD)) =>
      inject(app, { url, headers: authorization === null ? {} : { authorization } }),
    send: (method, url) =>
      inject(app, { method, url, headers: { authorization: basic(USER, PASSWORD) }, payload: {} }),
    close: async () => {
      await app.close()
      await shardQueues.close()
    },
  }
}
