import type { TimerView } from './evidence.ts'

export interface NewTimer {
  readonly hours?: number
  readonly minutes?: number
  readonly seconds?: number
  readonly url: string
  readonly delivery?: string
  readonly max_attempts?: number
}

/** An answer of the API, its body read as JSON. */
export interface ApiAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

/** Longer than any answer of the API may take: what is cut off here is a defect that the tests then see as a failure. */
const PATIENCE_MS = 10_000

/** `POST /timers`. Rejects when the connection breaks. */
export function postTimer(apiUrl: string, timer: NewTimer): Promise<ApiAnswer> {
  const headers = { 'content-type': 'application/json' }
  return ask(`${apiUrl}/timers`, { method: 'POST', headers, body: JSON.stringify(timer) })
}

/** `POST /timers/:id/redrive`. Rejects when the connection breaks. */
export function redriveTimer(apiUrl: string, id: number): Promise<ApiAnswer> {
  return ask(`${apiUrl}/timers/${id}/redrive`, { method: 'POST' })
}

/** `GET /timers/:id`: undefined where there is no such timer. Rejects when the connection breaks, and on other statuses. */
export async function readTimer(apiUrl: string, id: number): Promise<TimerView | undefined> {
  const { status, body } = await getJson(`${apiUrl}/timers/${id}`)
  if (status === 404) return undefined
  if (status !== 200) throw new Error(`GET /timers/${id}: ${status} ${JSON.stringify(body)}`)
  return body as unknown as TimerView
}

/** `GET` of anything that answers JSON. */
export function getJson(url: string): Promise<ApiAnswer> {
  return ask(url, {})
}

async function ask(url: string, init: RequestInit): Promise<ApiAnswer> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) })
  const body = (await response.json()) as Record<string, unknown>
  return { status: response.status, headers: response.headers, body }
}
