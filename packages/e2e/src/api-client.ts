/** A timer as `GET /timers/:id` shows it. */
export interface TimerView {
  readonly id: number
  readonly time_left: number
  readonly status: 'pending' | 'firing' | 'fired' | 'failed' | 'unknown'
  readonly created_at: string
  readonly due_at: string
  readonly fired_at?: string
  readonly lateness_ms?: number
  readonly response_status?: number
  readonly attempts?: number
}

export interface NewTimer {
  readonly hours?: number
  readonly minutes?: number
  readonly seconds?: number
  readonly url: string
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
export async function postTimer(apiUrl: string, timer: NewTimer): Promise<ApiAnswer> {
  return toAnswer(
    await fetch(`${apiUrl}/timers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(timer),
      signal: AbortSignal.timeout(PATIENCE_MS),
    }),
  )
}

/** `GET /timers/:id`: undefined where there is no such timer. Rejects when the connection breaks, and on other statuses. */
export async function readTimer(apiUrl: string, id: number): Promise<TimerView | undefined> {
  const { status, body } = await getJson(`${apiUrl}/timers/${id}`)
  if (status === 404) return undefined
  if (status !== 200) throw new Error(`GET /timers/${id}: ${status} ${JSON.stringify(body)}`)
  return body as unknown as TimerView
}

/** `GET` of anything that answers JSON. */
export async function getJson(url: string): Promise<ApiAnswer> {
  return toAnswer(await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) }))
}

async function toAnswer(response: Response): Promise<ApiAnswer> {
  const body = (await response.json()) as Record<string, unknown>
  return { status: response.status, headers: response.headers, body }
}
