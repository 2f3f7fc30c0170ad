import {
  type Callback,
  DEFAULT_MAX_ATTEMPTS,
  type Due,
  type TimerChange,
  type TimerDraft,
} from '@timers/core'
import type { TimerData } from './stored-timer.ts'

/** What a timer has beside its data, as it is stored: '' where it is not given. */
export interface StoredExtras {
  readonly key: string
  readonly labels: string
  readonly expires: string
  readonly callback: string
}

/** A change as `lua/includes/alter.lua` reads it. */
export interface StoredChange {
  /** Data, whole. */
  readonly d?: string
  /** Members of data to be set. */
  readonly s?: Partial<TimerData>
  /** Names of members of data to be taken away. */
  readonly u?: readonly (keyof TimerData)[]
  /** Due at, epoch ms. */
  readonly t?: string
  /** Labels, expiry, callback, as they are stored; '' takes it away. */
  readonly l?: string
  readonly e?: string
  readonly c?: string
}

/** Undefined where there is nothing beside the data: then the plain way of storing does. */
export function toExtras({ key, labels, expiresIn, callback }: TimerDraft): StoredExtras | undefined {
  if (key === undefined && labels === undefined && expiresIn === undefined && callback === undefined)
    return undefined
  return {
    key: key ?? '',
    labels: labels?.join(' ') ?? '',
    expires: expiresIn === undefined ? '' : String(expiresIn),
    callback: toListener(callback),
  }
}

/** Who is told of ends, as scripts read it; '' for nobody. */
export function toListener(callback: Callback | undefined): string {
  return callback === undefined ? '' : JSON.stringify({ u: callback.url, o: callback.on })
}

/** Members of data by the parts of a change; `null` takes the member away. */
export function toChange(change: TimerChange, now: number): StoredChange {
  const { due, url, mode, maxAttempts, payload, headers, labels, expiresIn, callback } = change
  const members: { [Name in keyof TimerData]?: TimerData[Name] | null } = {
    ...(url !== undefined && { u: url }),
    ...(mode !== undefined && { m: mode === 'at_least_once' ? (1 as const) : null }),
    ...(maxAttempts !== undefined && { x: maxAttempts === DEFAULT_MAX_ATTEMPTS ? null : maxAttempts }),
    ...(payload !== undefined && { b: payload }),
    ...(headers !== undefined && { h: headers }),
  }
  const entries = Object.entries(members)
  const set = entries.filter(([, value]) => value !== null)
  const unset = entries.filter(([, value]) => value === null).map(([name]) => name as keyof TimerData)
  return {
    ...(set.length > 0 && { s: Object.fromEntries(set) as Partial<TimerData> }),
    ...(unset.length > 0 && { u: unset }),
    ...(due !== undefined && { t: String(dueAtOf(due, now)) }),
    ...(labels !== undefined && { l: labels?.join(' ') ?? '' }),
    ...(expiresIn !== undefined && { e: expiresIn === null ? '' : String(expiresIn) }),
    ...(callback !== undefined && { c: callback === null ? '' : toListener(callback) }),
  }
}

/** Epoch ms. An instant that is past is now: nothing is due before it is there. */
export function dueAtOf(due: Due, now: number): number {
  return 'delayMs' in due ? now + due.delayMs : Math.max(now, due.dueAt)
}
