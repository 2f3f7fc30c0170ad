import { systemClock } from '@timers/core'
import { createRedisTimerStore } from '@timers/queue'
import {
  bootstrap,
  createLogger,
  createMetrics,
  descriptorLimit,
  eventsOf,
  listening,
  parseSettings,
  redisOf,
  runService,
} from '@timers/runtime'
import { buildApp } from './build-app.ts'
import { connectionBounds } from './connection-bounds.ts'
import { apiSettings } from './settings.ts'

await bootstrap(async () => {
  const settings = parseSettings(apiSettings, process.env)
  const logger = createLogger({ service: 'api', level: settings.LOG_LEVEL })
  const store = createRedisTimerStore({
    ...redisOf(settings),
    events: eventsOf(settings),
    log: logger,
  })
  const app = buildApp(settings, {
    store,
    clock: systemClock,
    logger,
    metrics: createMetrics('api'),
    connectionBounds: connectionBounds(settings, descriptorLimit()),
  })
  await runService(
    {
      start: async () => {
        const { HOST: host, PORT: port } = settings
        const address = await listening('PORT', port, () => app.listen({ host, port }))
        logger.info({ address }, 'listening')
      },
      stop: async () => {
        await app.close()
        await store.close()
      },
      failed: store.failed,
    },
    { logger, shutdownTimeoutMs: settings.SHUTDOWN_TIMEOUT_MS },
  )
})
