import { type Static, Type } from '@sinclair/typebox'
import { allowedHostsSetting, commonSettings, listenSettings, portSetting } from '@timers/runtime'

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
      'Password to log in to the dashboard with; there is no default, and the dashboard does not start without one',
  }),
  ALLOWED_HOSTS: allowedHostsSetting,
  TRUSTED_PROXIES: Type.Array(Type.String({ pattern: '^[0-9A-Fa-f:.]+(/\\d{1,3})?$' }), {
    default: [],
    wording: 'a list of addresses or networks such as 10.0.0.7,fd00::/8',
    description:
      'Proxies in front of the dashboard, separated by commas: their X-Forwarded-* headers are believed, so that wrong logins are counted by the address of the browser and not by that of the proxy',
  }),
  SHUTDOWN_TIMEOUT_MS: Type.Integer({
    minimum: 1_000,
    maximum: 600_000,
    default: 10_000,
    description: 'Longest time the dashboard may take to stop, in milliseconds',
  }),
})

export type DashboardSettings = Readonly<Static<typeof dashboardSettings>>
