import { type Static, Type } from '@sinclair/typebox'
import { commonSettings, listenSettings, portSetting } from '@timers/runtime'

/** What the dashboard can be told by environment variables. */
export const dashboardSettings = Type.Object({
  ...commonSettings,
  ...listenSettings,
  DASHBOARD_PORT: portSetting(3_001, 'Port of the dashboard'),
  DASHBOARD_USER: Type.String({
    pattern: '^[^:\\x00-\\x1f\\x7f]+$',
    wording: 'a name without colons',
    default: 'admin',
    description: 'Name to log in to the dashboard with',
  }),
  DASHBOARD_PASSWORD: Type.String({
    pattern: '^[^\\x00-\\x1f\\x7f]{8,}$',
    wording: 'given, and at least 8 characters long',
    description:
      'Password to log in to the dashboard with; there is no default, and no dashboard without one',
  }),
  SHUTDOWN_TIMEOUT_MS: Type.Integer({
    minimum: 1_000,
    maximum: 600_000,
    default: 10_000,
    description: 'Longest time the dashboard may take to stop, in milliseconds',
  }),
})

export type DashboardSettings = Readonly<Static<typeof dashboardSettings>>
