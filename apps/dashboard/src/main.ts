import { openShardQueues } from '@timers/queue'
import { bootstrap, createLogger, listening, parseSettings, redisOf, runService } from '@timers/runtime'
import { buildDashboard } from './build-dashboard.ts'
import { dashboardSettings } from './settings.ts'

await bootstrap(async () => {
  const settings = parseSettings(dashboardSettings, process.env)
  const logger = createLogger({ service: 'dashboard', level: settings.LOG_LEVEL })
  const shardQueues = openShardQueues({ ...redisOf(settings), log: logger })
  const app = buildDashboard(settings, { shardQueues, logger })
  await runService(
    {
      start: async () => {
        const { HOST: host, DASHBOARD_PORT: port } = settings
        const address = await listening('DASHBOARD_PORT', port, () => app.listen({ host, port }))
        logger.info({ address }, 'listening')
      },
      stop: async () => {
        await app.close()
        await shardQueues.close()
      },
      failed: shardQueues.failed,
    },
    { logger, shutdownTimeoutMs: settings.SHUTDOWN_TIMEOUT_MS },
  )
})
