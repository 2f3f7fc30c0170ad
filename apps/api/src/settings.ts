import { type Static, Type } from '@sinclair/typebox'
import { commonSettings, listenSettings, portSetting, targetSettings } from '@timers/runtime'

/** What the API can be told by environment variables. */
export const apiSettings = Type.Object({
  ...commonSettings,
  ...listenSettings,
  ...targetSettings,
  PORT: portSetting(3_000, 'Port of the API'),
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
