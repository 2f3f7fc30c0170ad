export {
  type AddressPolicy,
  type AddressVerdict,
  createAddressPolicy,
  literalAddress,
} from './address-policy.ts'
export {
  type BulkDeps,
  type BulkRedriveRequest,
  type BulkRequest,
  type BulkStep,
  cancelMany,
  MOST_AT_ONCE,
  MOST_PER_SECOND,
  redriveMany,
} from './bulk-action.ts'
export { type ChangeTimerRequest, changeOf } from './change-timer.ts'
export { type Clock, systemClock } from './clock.ts'
export {
  type CreateTimerDeps,
  type CreateTimerRequest,
  createTimer,
  draftOf,
  newTimerOf,
  type RequestOrigin,
  type TimerRules,
} from './create-timer.ts'
export { readCursor, writeCursor } from './cursor.ts'
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
export { type DueParts, parseDue, TIME_FORMS } from './due.ts'
export { type DurationParts, durationMs, timeLeftSeconds } from './duration.ts'
export { TimerError, type TimerErrorCode } from './errors.ts'
export { type EventType, eventBody } from './event-body.ts'
export { fingerprintOf } from './fingerprint.ts'
export { type AttemptReport, type FireTimerDeps, fireTimer } from './fire-timer.ts'
export { MOST_BUCKETS, parseForecastQuery } from './forecast-query.ts'
export { parseIdempotencyKey } from './idempotency-key.ts'
export { type Read, readInstant } from './instant.ts'
export { type ListedTimers, listTimers, MOST_LISTED } from './list-timers.ts'
export { MOST_SHARDS } from './most-shards.ts'
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
  Turn,
  WebhookClient,
  WebhookRequest,
} from './ports.ts'
export type { RedisFigures, RedisNodeState, RedisReplica } from './redis-node.ts'
export {
  type Access,
  type Address,
  addressText,
  parseRedisUrl,
  REDIS_URL_FORMS,
  type RedisPlace,
  toAddress,
} from './redis-url.ts'
export {
  type Decision,
  type DecisionInput,
  decide,
  nextDelayMs,
  type RetryHint,
} from './retry-policy.ts'
export {
  type Acted,
  CONFLICT_MODES,
  type ConflictMode,
  type Created,
  type ForecastQuery,
  type Idempotency,
  type MaybeReplayed,
  type NewTimerRequest,
  type RedriveOptions,
  type ShardStats,
  type TimerById,
  type TimerFilter,
  type TimerPage,
  type TimerPosition,
  type TimerQuery,
  type TimerRef,
  type TimerStore,
  type Upserted,
} from './store-port.ts'
export { callbackUrl, MAX_URL_LENGTH, originOf, parseTargetUrl, webhookUrl } from './target-url.ts'
export {
  type AttemptedStatus,
  type Callback,
  DEFAULT_OWNER,
  type Due,
  FINAL_STATUSES,
  type FinalStatus,
  type LoggedAttempt,
  type Resolution,
  TIMER_STATUSES,
  type Timer,
  type TimerChange,
  type TimerDraft,
  type TimerExtras,
  type TimerRecord,
  type TimerSpec,
  type TimerStatus,
} from './timer.ts'
export { type CallbackRequest, MAX_EXPIRES_IN, MAX_LABELS, parseKey, parseLabels } from './timer-extras.ts'
export { FILTER_FIELDS, filterInstant, parseTimerFilter } from './timer-filter.ts'
export { isoInstant, type TimerView, timerView } from './timer-view.ts'
export { type Waiting, type WaitingFor, waitingOf } from './waiting.ts'
