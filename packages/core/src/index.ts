export {
  type AddressPolicy,
  type AddressVerdict,
  createAddressPolicy,
  literalAddress,
} from './address-policy.ts'
export { type Clock, systemClock } from './clock.ts'
export {
  type CreateTimerDeps,
  type CreateTimerRequest,
  createTimer,
  type RequestOrigin,
} from './create-timer.ts'
export {
  DEFAULT_MAX_ATTEMPTS,
  DEFAULT_MODE,
  DELIVERY_MODES,
  type DeliveryMode,
  MAX_HEADERS,
  MAX_PAYLOAD_BYTES,
  MAX_PAYLOAD_DEPTH,
  MOST_ATTEMPTS,
} from './delivery-options.ts'
export { type DurationParts, durationMs, timeLeftSeconds } from './duration.ts'
export { TimerError, type TimerErrorCode } from './errors.ts'
export { type AttemptReport, type FireTimerDeps, fireTimer } from './fire-timer.ts'
export { type AttemptResult, type Outcome, requestLeft } from './outcome.ts'
export type {
  Admission,
  Census,
  Claim,
  DueTimer,
  Gate,
  HeldBy,
  Log,
  Pass,
  Peek,
  RetryBudget,
  Settled,
  TimerStore,
  WebhookClient,
  WebhookRequest,
} from './ports.ts'
export {
  type Decision,
  type DecisionInput,
  decide,
  nextDelayMs,
  type RetryHint,
} from './retry-policy.ts'
export { MAX_URL_LENGTH, originOf, parseTargetUrl, webhookUrl } from './target-url.ts'
export type {
  FinalStatus,
  LoggedAttempt,
  Timer,
  TimerDraft,
  TimerRecord,
  TimerSpec,
  TimerStatus,
} from './timer.ts'
export { DEFAULT_OWNER } from './timer.ts'
export { type Waiting, type WaitingFor, waitingOf } from './waiting.ts'
