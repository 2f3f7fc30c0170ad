import { type Static, Type } from '@sinclair/typebox'
import {
  allowedHostsSetting,
  commonSettings,
  eventSettings,
  listenSettings,
  portSetting,
  targetSettings,
} from '@timers/runtime'

/** What the API can be told by environment variables. */
export const apiSettings = Type.Object({
  ...commonSettings,
  ...listenSettings,
  ...targetSettings,
  ...eventSettings,
  PORT: portSetting(3_000, 'Port of the API'),
  ALLOWED_HOSTS: allowedHostsSetting,
  MAX_CONNECTIONS: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description:
        'Most connections that are open at a time; the one that is idle longest makes room for a new one. Not set: 10000, or what the limit of open files (ulimit -n) leaves',
    }),
  ),
  MAX_CONNECTIONS_PER_ADDRESS: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description:
        'Most of these from one address (of IPv6, from one /64 network). Not set: half of them. Behind a proxy all come from its address',
    }),
  ),
  MAX_TIMER_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 315_360_000,
    default: 31_536_000,
    description: 'Longest duration a timer may have, in seconds (default 365 days, at most 10 years)',
  }),
  SHUTDOWN_TIMEOUT_MS: Type.Integer({
    minimum: 1_000,
    maximum: 600_000,
    default: 10_000,
    description:
      'Longest time the API may take to finish the requests in flight when it stops, in milliseconds',
  }),
})

export type ApiSettings = Readonly<Static<typeof apiSettings>>
