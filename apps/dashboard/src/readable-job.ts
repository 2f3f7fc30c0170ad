/**
 * What operators see of a job. Timers are stored under short names, because every one pays for them in memory
 * (packages/queue/src/timers/stored-timer.ts has the table): here they get the long ones of the API again.
 */
const LONG_NAMES: Readonly<Record<string, string>> = {
  u: 'url',
  m: 'delivery',
  x: 'max_attempts',
  b: 'payload',
  p: 'payload',
  h: 'headers',
  t: 'traceparent',
  r: 'request_id',
  e: 'event',
}
const LONG_DELIVERY: Readonly<Record<string, string>> = { 1: 'at_least_once' }

/** `{ u, m }` as `{ url, delivery }`; what has no long name is shown as it is. */
export function readableData(data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [LONG_NAMES[name] ?? name, readableValue(name, value)]),
  )
}

function readableValue(name: string, value: unknown): unknown {
  if (name === 'm') return LONG_DELIVERY[String(value)] ?? value
  // Of a callback what it tells, and not the whole timer that it tells of.
  if (name === 'e' && typeof value === 'object' && value !== null && 'y' in value) return value.y
  return value
}

/** What is needed of a job to name it. */
export interface NamedJob {
  readonly id?: unknown
  readonly timestamp?: unknown
  readonly opts?: { readonly delay?: unknown }
}

/** `timer 7, due 2026-01-02T03:04:05.006Z` for the job `t7`: its due time is when it was added plus its delay. */
export function readableName({ id, timestamp, opts }: NamedJob): string {
  const [, timerId] = /^t(\d+)$/.exec(String(id)) ?? []
  if (timerId === undefined) return String(id)
  const dueAt = new Date(Number(timestamp) + Number(opts?.delay ?? 0))
  return Number.isNaN(dueAt.getTime()) ? `timer ${timerId}` : `timer ${timerId}, due ${dueAt.toISOString()}`
}
