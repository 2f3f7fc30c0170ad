import {
  type AttemptResult,
  type Callback,
  DEFAULT_MAX_ATTEMPTS,
  DEFAULT_MODE,
  DEFAULT_OWNER,
  type FinalStatus,
  type HeldBy,
  type LoggedAttempt,
  type Resolution,
  requestLeft,
  type Timer,
  type TimerDraft,
  type TimerRecord,
  type TimerStatus,
} from '@timers/core'
import { type StoredEvent, toldOf } from './event.ts'

/**
 * # How a timer lies in Redis
 *
 * One hash, BullMQ's job. BullMQ's own fields: `name`, `data`, `opts`, `timestamp`, `delay`, `priority`, and while and
 * after it runs `processedOn`, `finishedOn`, `failedReason`, `ats`, `stc`...
 *
 * Ours beside them, written by the scripts in `lua/` only and, but for `du`, absent until they are needed:
 *
 * | field | what                                                                        |
 * | ----- | --------------------------------------------------------------------------- |
 * | `du`  | when it is due, epoch ms                                                    |
 * | `ow`  | whose it is; absent: the default owner's                                    |
 * | `ca`  | the claim: `<attempt>:<nonce>:<epoch ms>`                                   |
 * | `an`  | attempts made: claimed and ended in an outcome                              |
 * | `st`  | final status                                                                |
 * | `nx`  | when the next attempt is due, epoch ms                                      |
 * | `hb`  | what holds it back and until when: `<HeldBy>:<epoch ms>`                    |
 * | `bg`  | the retry budget: `<attempts before it>:<its start, epoch ms>`              |
 * | `fa`  | when the first request left, epoch ms                                       |
 * | `lg`  | the last attempts, oldest first, one JSON object a line (see `AttemptEntry`) |
 * | `cn`  | nonces of the last commands that changed it, separated by spaces            |
 * | `vn`  | how often it was changed by a client                                        |
 * | `ky`  | its own key                                                                 |
 * | `lb`  | labels, separated by spaces                                                 |
 * | `xi`  | seconds after the due time beyond which it is not sent                      |
 * | `cb`  | who is told of its end: JSON `{"u":<url>,"o":[<statuses>]}`                 |
 * | `ik`  | how it was asked for: `<digest of the idempotency key>:<fingerprint>:<due at, epoch ms>` |
 * | `rs`  | who said what became of it: JSON `{"a":<status>,"t":<epoch ms>,"n":<note>}`  |
 * | `pv`  | the timer that had its key before, and was left alone: `<job id>:<status>`  |
 * | `cf`  | of a callback: id of the timer that it tells of                             |
 *
 * # Formats
 *
 * The form has a version, `FORMAT`, recorded in Redis (shards/data-layout.ts). Version 1, of release 0.1, has no `du`: a
 * timer is due at `timestamp` plus the delay in `opts`; its payload is a JSON value, `p` in `data`; and a delivered
 * attempt that was the last is the job's `returnvalue`, with no `st`. All of that is read here, and rewritten by
 * `lua/upgrade.lua` (timers/upgrade.ts). Up to version 2 finished timers lay in the order in which they finished, and
 * there were no sets beside those (shards/shard-keys.ts).
 */
export const FORMAT = 3

/** The field `data`: JSON with short names, because every timer pays for them. */
export interface TimerData {
  /** Target URL, as the client wrote it. */
  readonly u: string
  /** 1: at least once. Absent: at most once. */
  readonly m?: 1
  /** Most attempts, where not the default. */
  readonly x?: number
  /** Payload: JSON text. */
  readonly b?: string
  /** Payload as a value: format 1. */
  readonly p?: unknown
  /** Headers. */
  readonly h?: Readonly<Record<string, string>>
  /** Traceparent. */
  readonly t?: string
  /** Request id. */
  readonly r?: string
  /** What a callback tells. */
  readonly e?: StoredEvent
}

/** A job's hash, as Redis has it. */
export type TimerHash = Readonly<Record<string, string>>

/** A hash from the flat list as which a script answers it. */
export function toHash(flat: readonly string[]): TimerHash {
  const hash: Record<string, string> = {}
  for (let at = 0; at < flat.length; at += 2) hash[String(flat[at])] = String(flat[at + 1])
  return hash
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

/** Reads what a client created. */
export function toTimer(id: number, hash: TimerHash): Timer {
  const data = JSON.parse(hash.data ?? '') as TimerData
  const createdAt = Number(hash.timestamp)
  return {
    id,
    owner: hash.ow ?? DEFAULT_OWNER,
    url: data.u,
    mode: data.m === 1 ? 'at_least_once' : DEFAULT_MODE,
    maxAttempts: data.x ?? DEFAULT_MAX_ATTEMPTS,
    payload: data.b ?? (data.p === undefined ? undefined : JSON.stringify(data.p)),
    headers: data.h,
    traceparent: data.t,
    requestId: data.r,
    ...(hash.ky !== undefined && { key: hash.ky }),
    ...(hash.lb !== undefined && { labels: hash.lb.split(' ') }),
    ...(hash.xi !== undefined && { expiresIn: Number(hash.xi) }),
    ...(hash.cb !== undefined && { callback: parseListener(hash.cb) }),
    ...(data.e !== undefined && toldOf(Number(hash.cf), data.e, toRecord)),
    createdAt,
    dueAt: hash.du === undefined ? createdAt + delayOf(hash) : Number(hash.du),
  }
}

/** After this it is not sent any more, epoch ms: counted as `lua/claim.lua` does, from the due time or the last redrive. */
export function expiresAtOf({ dueAt, expiresIn }: Timer, { bg: budget }: TimerHash): number | undefined {
  if (expiresIn === undefined) return undefined
  const [after = 0, from = 0] = budget?.split(':').map(Number) ?? []
  return (after > 0 ? from : dueAt) + expiresIn * 1_000
}

/** The delay of format 1, in milliseconds. BullMQ sets the field `delay` to 0 at promotion, and never changes `opts`. */
function delayOf({ opts = '{}' }: TimerHash): number {
  return (JSON.parse(opts) as { delay?: number }).delay ?? 0
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
export function toRecord(id: number, hash: TimerHash): TimerRecord | undefined {
  if (hash.data === undefined || hash.timestamp === undefined) return undefined
  const timer = toTimer(id, hash)
  const carried = hash.st === undefined ? parseCarried(hash.returnvalue) : undefined
  const log = [...parseLog(hash.lg), ...(carried === undefined ? [] : [carried])]
    .slice(-LOG_LENGTH)
    .map(fromEntry)
  const last = log.at(-1)
  const attempts = carried?.n ?? Number(hash.an ?? 0)
  const firedAt = optionalNumber(hash.fa) ?? carried?.t
  const status = carried === undefined ? statusOf(hash, attempts) : 'fired'
  return {
    status,
    attempts,
    firedAt,
    latenessMs: firedAt === undefined ? undefined : Math.max(0, firedAt - timer.dueAt),
    responseStatus: last?.responseStatus,
    nextAttemptAt: status === 'pending' ? optionalNumber(hash.nx) : undefined,
    held: status === 'pending' ? parseHeld(hash.hb) : undefined,
    finishedAt: status === 'pending' || status === 'firing' ? undefined : optionalNumber(hash.finishedOn),
    resolved: hash.rs === undefined ? undefined : parseResolution(hash.rs),
    log,
    // Last: every member after a spread costs several times as much, and this is most of a read.
    ...timer,
  }
}

function statusOf(hash: TimerHash, attempts: number): TimerStatus {
  if (hash.st !== undefined) return hash.st as FinalStatus
  return claimedAttempt(hash.ca) === attempts + 1 ? 'firing' : 'pending'
}

function parseListener(text: string): Callback {
  const { u: url, o: on } = JSON.parse(text) as { u: string; o: FinalStatus[] }
  return { url, on }
}

/** How a resolution is stored. */
export function toResolution(as: Resolution['as'], at: number, note: string | undefined): string {
  return JSON.stringify({ a: as, t: at, ...(note !== undefined && { n: note }) })
}

function parseResolution(text: string): Resolution {
  const { a: as, t: at, n: note } = JSON.parse(text) as { a: Resolution['as']; t: number; n?: string }
  return { as, at, note }
}

function parseHeld(text: string | undefined): TimerRecord['held'] {
  const [by, until] = text?.split(':') ?? []
  return by === undefined ? undefined : { by: by as HeldBy, until: Number(until) }
}

/** The delivered attempt that finishing the job wrote down, in format 1. */
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
