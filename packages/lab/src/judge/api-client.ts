import { VERSION_HEADER } from './sightings.ts'
import type { TimerView } from './timer-view.ts'

export interface NewTimer {
  readonly hours?: number
  readonly minutes?: number
  readonly seconds?: number
  readonly url: string
  readonly delivery?: string
  readonly max_attempts?: number
  readonly payload?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly key?: string
  readonly labels?: readonly string[]
  readonly expires_in?: number
  readonly callback?: { readonly url: string; readonly on?: readonly string[] }
  /** Of an item of a batch. */
  readonly idempotency_key?: string
}

/** An answer of the API, its body read as JSON. */
export interface ApiAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

/** Longer than any answer of the API may take: what is cut off here is a defect that the tests then see as a failure. */
const PATIENCE_MS = 10_000

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly body?: unknown
  readonly idempotencyKey?: string | undefined
}

/** Rejects when the connection breaks. */
export async function callApi({ method, url, body, idempotencyKey }: ApiRequest): Promise<ApiAnswer> {
  const headers: Record<string, string> = {}
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey
  const response = await fetch(url, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
  const text = await response.text()
  const read = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
  return { status: response.status, headers: response.headers, body: read }
}

/** `POST /timers`. Rejects when the connection breaks. */
export function postTimer(apiUrl: string, timer: NewTimer): Promise<ApiAnswer> {
  return callApi({ method: 'POST', url: `${apiUrl}/timers`, body: timer })
}

/** `GET /timers/:id`, or another path to one timer: undefined where there is no such timer. Rejects when the connection breaks, and on other statuses. */
export async function readTimer(apiUrl: string, id: number | string): Promise<TimerView | undefined> {
  const { status, body } = await getJson(`${apiUrl}/timers/${id}`)
  if (status === 404) return undefined
  if (status !== 200) throw new Error(`GET /timers/${id}: ${status} ${JSON.stringify(body)}`)
  return body as unknown as TimerView
}

/** `GET` of anything that answers JSON. */
export function getJson(url: string): Promise<ApiAnswer> {
  return callApi({ method: 'GET', url })
}

/** What a timer sends, so that the receiver's log tells which version of it was sent: in the URL, the payload and a header. */
export function contentOf(
  url: string,
  version: number | undefined,
): { url: string; payload?: unknown; headers?: Record<string, string> } {
  if (version === undefined) return { url }
  const target = new URL(url)
  target.pathname = target.pathname.replace(/^\/([^/]+)/, `/$1-v${version}`)
  return {
    url: target.href,
    payload: { v: version },
    headers: { [VERSION_HEADER]: String(version) },
  }
}
