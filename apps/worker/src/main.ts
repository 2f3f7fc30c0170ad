import { bootstrap, createLogger, parseSettings, runService } from '@timers/runtime'
import { buildWorker } from './build-worker.ts'
import { workerSettings } from './settings.ts'

await bootstrap(async () => {
  const settings = parseSettings(workerSettings, process.env)
  const logger = createLogger({ service: 'worker', level: settings.LOG_LEVEL })
  await runService(buildWorker(settings, { logger }), {
    logger,
    shutdownTimeoutMs: settings.SHUTDOWN_TIMEOUT_MS ?? settings.WEBHOOK_TIMEOUT_MS + 5_000,
  })
})
