export { type HealthServer, type Readiness, startHealthServer } from './health-server.ts'
export { bootstrap, type RunOptions, runService, type Service } from './lifecycle.ts'
export { listening } from './listening.ts'
export { createLogger, type Logger, type LoggerOptions } from './logger.ts'
export { createMetrics, type Metrics } from './metrics.ts'
export {
  commonSettings,
  describe,
  listenSettings,
  oneOf,
  parseSettings,
  portSetting,
  SettingsError,
  targetSettings,
} from './settings.ts'
export { createTimerMetrics, type TimerGauges } from './timer-metrics.ts'
