export { type Clock, systemClock } from './clock.ts'
export { type DurationParts, durationMs, timeLeftSeconds } from './duration.ts'
export { TimerError, type TimerErrorCode } from './errors.ts'
export { type AttemptResult, type Outcome, requestLeft } from './outcome.ts'
export type { Claim, Disposition, DueTimer, Log, TimerStore, WebhookClient, WebhookRequest } from './ports.ts'
export {
  DEFAULT_MAX_ATTEMPTS,
  DEFAULT_MODE,
  type Decision,
  type DecisionInput,
  type DeliveryMode,
  decide,
  MAX_MAX_ATTEMPTS,
  nextDelayMs,
  type RetryHint,
} from './retry-policy.ts'
export { type ScheduleTimerDeps, type ScheduleTimerRequest, scheduleTimer } from './schedule-timer.ts'
export { MAX_URL_LENGTH, originOf, parseTargetUrl, webhookUrl } from './target-url.ts'
export type { FinalStatus, Timer, TimerDraft, TimerRecord, TimerStatus } from './timer.ts'
