export { isCrossSite, type PageHeaders } from './cross-site.ts'
export { descriptorLimit } from './descriptor-limit.ts'
export { eventsOf } from './events.ts'
export { type HealthServer, type Readiness, startHealthServer } from './health-server.ts'
export { createHostCheck, type HostCheck } from './host-check.ts'
export { bootstrap, type RunOptions, runService, type Service } from './lifecycle.ts'
export { listening } from './listening.ts'
export { createLogger, type Logger, type LoggerOptions } from './logger.ts'
export { createMetrics, type Metrics } from './metrics.ts'
export { networkOf } from './network-of.ts'
export { redisOf } from './redis-settings.ts'
export {
  allowedHostsSetting,
  commonSettings,
  describe,
  eventSettings,
  listenSettings,
  oneOf,
  parseSettings,
  portSetting,
  targetSettings,
} from './settings.ts'
export { SettingsError } from './settings-error.ts'
export { createTimerMetrics, type TimerGauges } from './timer-metrics.ts'
