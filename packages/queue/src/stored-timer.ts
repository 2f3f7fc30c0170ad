import {
  type AttemptResult,
  DEFAULT_MAX_ATTEMPTS,
  DEFAULT_MODE,
  type FinalStatus,
  type LoggedAttempt,
  requestLeft,
  type Timer,
  type TimerDraft,
  type TimerRecord,
  type TimerStatus,
} from '@timers/core'
import { jobIdOf, timerIdOf } from './shards.ts'

/**
 * # How a timer lies in Redis
 *
 * One hash, BullMQ's job. BullMQ's own fields: `name`, `data`, `opts`, `timestamp`, `delay`, `priority`, and while and
 * after it runs `processedOn`, `finishedOn`, `failedReason`, `ats`, `atm`, `stc`...
 *
 * Ours beside them, written by the scripts in `lua/` only and absent until they are needed:
 *
 * | field | what                                                                        |
 * | ----- | --------------------------------------------------------------------------- |
 * | `ca`  | the claim: `<attempt>:<nonce>:<epoch ms>`                                   |
 * | `an`  | attempts made: claimed and ended in an outcome                              |
 * | `st`  | final status                                                                |
 * | `nx`  | when the next attempt is due, epoch ms                                      |
 * | `bg`  | the retry budget: `<attempts before it>:<its start, epoch ms>`              |
 * | `fa`  | when the first request left, epoch ms                                       |
 * | `lg`  | the last attempts, oldest first, one JSON object a line (see `AttemptEntry`) |
 *
 * A delivered attempt that was the last is written by BullMQ as the job's `returnvalue`, in the step that finishes it:
 * then `st`, and its line of `lg`, are not there.
 *
 * `data` has short names because every timer pays for them, and the due time is not stored a second time: it is
 * `timestamp` plus the delay in `opts`, which BullMQ never changes (it sets the field `delay` to 0 at promotion).
 */
export interface TimerData {
  /** Target URL, as the client wrote it. */
  readonly u: string
  /** 1: at least once. Absent: at most once. */
  readonly m?: 1
  /** Most attempts, where not the default. */
  readonly x?: number
  /** Payload: JSON text. */
  readonly b?: string
  /** Payload as a value: written by version 0.1. */
  readonly p?: unknown
  /** Headers. */
  readonly h?: Readonly<Record<string, string>>
  /** Traceparent. */
  readonly t?: string
  /** Request id. */
  readonly r?: string
}

/** What is needed of BullMQ's Job to know the timer that it carries. */
export interface TimerJob {
  readonly id?: string | undefined
  readonly data: TimerData
  readonly timestamp: number
  readonly opts: { readonly delay?: number | undefined }
  /** How often its worker was lost. */
  readonly stalledCounter?: number | undefined
}

/** Attempts that a timer's log keeps. */
export const LOG_LENGTH = 10

/** One line of `lg`. */
export interface AttemptEntry {
  readonly n: number
  /** Sent at, epoch ms. */
  readonly t: number
  /** Outcome. */
  readonly o: AttemptResult['outcome']
  /** Response status. */
  readonly s?: number
  /** Reason. */
  readonly e?: string
  /** Milliseconds in the queue, to connect and to answer. */
  readonly q?: number
  readonly c?: number
  readonly r?: number
}

export function toData(draft: TimerDraft): TimerData {
  return {
    u: draft.url,
    ...(draft.mode === 'at_least_once' && { m: 1 as const }),
    ...(draft.maxAttempts !== undefined &&
      draft.maxAttempts !== DEFAULT_MAX_ATTEMPTS && { x: draft.maxAttempts }),
    ...(draft.payload !== undefined && { b: draft.payload }),
    ...(draft.headers !== undefined && { h: draft.headers }),
    ...(draft.traceparent !== undefined && { t: draft.traceparent }),
    ...(draft.requestId !== undefined && { r: draft.requestId }),
  }
}

export function toTimer({ id = '', data, timestamp, opts }: TimerJob): Timer {
  return {
    id: timerIdOf(id),
    url: data.u,
    mode: data.m === 1 ? 'at_least_once' : DEFAULT_MODE,
    maxAttempts: data.x ?? DEFAULT_MAX_ATTEMPTS,
    payload: data.b ?? (data.p === undefined ? undefined : JSON.stringify(data.p)),
    headers: data.h,
    traceparent: data.t,
    requestId: data.r,
    createdAt: timestamp,
    dueAt: timestamp + (opts.delay ?? 0),
  }
}

export function toEntry(attempt: number, result: AttemptResult): AttemptEntry {
  return {
    n: attempt,
    t: result.sentAt,
    o: result.outcome,
    ...(result.responseStatus !== undefined && { s: result.responseStatus }),
    ...(result.reason !== undefined && { e: result.reason }),
    ...(result.queueMs !== undefined && { q: result.queueMs }),
    ...(result.connectMs !== undefined && { c: result.connectMs }),
    ...(result.responseMs !== undefined && { r: result.responseMs }),
  }
}

function fromEntry(entry: AttemptEntry): LoggedAttempt {
  return {
    attempt: entry.n,
    sentAt: entry.t,
    outcome: entry.o,
    ...(entry.s !== undefined && { responseStatus: entry.s }),
    ...(entry.e !== undefined && { reason: entry.e }),
    ...(entry.q !== undefined && { queueMs: entry.q }),
    ...(entry.c !== undefined && { connectMs: entry.c }),
    ...(entry.r !== undefined && { responseMs: entry.r }),
  }
}

/** When the request of an attempt left, or undefined where it never did. */
export function leftAt(result: AttemptResult): number | undefined {
  return requestLeft(result.outcome) ? result.sentAt : undefined
}

/** Reads a timer from its hash: one round trip tells it all. Undefined where there is no timer. */
export function toRecord(id: number, hash: Readonly<Record<string, string>>): TimerRecord | undefined {
  if (hash.data === undefined || hash.timestamp === undefined || hash.opts === undefined) return undefined
  const timer = toTimer({
    id: jobIdOf(id),
    data: JSON.parse(hash.data),
    timestamp: Number(hash.timestamp),
    opts: JSON.parse(hash.opts),
  })
  const carried = hash.st === undefined ? parseCarried(hash.returnvalue) : undefined
  const log = [...parseLog(hash.lg), ...(carried === undefined ? [] : [carried])]
    .slice(-LOG_LENGTH)
    .map(fromEntry)
  const last = log.at(-1)
  const attempts = carried?.n ?? Number(hash.an ?? 0)
  const firedAt = optionalNumber(hash.fa) ?? carried?.t
  const status = carried === undefined ? statusOf(hash, attempts) : 'fired'
  return {
    ...timer,
    status,
    attempts,
    firedAt,
    latenessMs: firedAt === undefined ? undefined : Math.max(0, firedAt - timer.dueAt),
    responseStatus: last?.responseStatus,
    nextAttemptAt: status === 'pending' ? optionalNumber(hash.nx) : undefined,
    log,
  }
}

function statusOf(hash: Readonly<Record<string, string>>, attempts: number): TimerStatus {
  if (hash.st !== undefined) return hash.st as FinalStatus
  return claimedAttempt(hash.ca) === attempts + 1 ? 'firing' : 'pending'
}

/** The delivered attempt that finishing the job wrote down. */
function parseCarried(returnvalue: string | undefined): AttemptEntry | undefined {
  return returnvalue === undefined
    ? undefined
    : ((JSON.parse(returnvalue) as AttemptEntry | null) ?? undefined)
}

function parseLog(lines: string | undefined): AttemptEntry[] {
  return lines === undefined ? [] : lines.split('\n').map((line) => JSON.parse(line) as AttemptEntry)
}

function claimedAttempt(claim: string | undefined): number {
  return claim === undefined ? 0 : Number.parseInt(claim, 10)
}

function optionalNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}
