import { Type } from '@sinclair/typebox'
import { RestoreRefused, restoreTimers } from '@timers/queue'
import {
  bootstrap,
  commonSettings,
  createLogger,
  eventSettings,
  eventsOf,
  parseSettings,
  redisOf,
  SettingsError,
  targetSettings,
} from '@timers/runtime'

/**
 * To be run once after Redis was restored from a backup, before any service starts: docs/operations.md, "Backup and
 * restore". Ends with 0 when the data is safe to go on with.
 */
const restoreSettings = Type.Object({
  ...commonSettings,
  ...targetSettings,
  ...eventSettings,
  TIMERS_RESTORED_AT: Type.String({
    pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?(Z|[+-]\\d{2}:\\d{2})$',
    wording: 'the time at which the backup was made, such as 2026-11-21T03:00:00Z',
    description: 'When the backup was made that Redis was restored from: RFC 3339, with an offset',
  }),
})

await bootstrap(async () => {
  const settings = parseSettings(restoreSettings, process.env)
  const log = createLogger({ service: 'restored', level: settings.LOG_LEVEL })
  const madeAt = Date.parse(settings.TIMERS_RESTORED_AT)
  if (!(madeAt <= Date.now())) {
    throw new SettingsError(['TIMERS_RESTORED_AT must be a time in the past, with a day that exists'])
  }
  try {
    const { before, ...done } = await restoreTimers(
      { ...redisOf(settings), events: eventsOf(settings), log },
      madeAt,
    )
    if (before) log.info('this restore was made safe before: nothing to do')
    else log.info(done, 'timers that may have been sent since the backup are unknown now; start the services')
  } catch (error) {
    if (!(error instanceof RestoreRefused)) throw error
    process.stderr.write(`nothing was changed, or not all of it: ${error.message}\n`)
    process.exitCode = 1
  }
})
