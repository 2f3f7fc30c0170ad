import { setTimeout as sleep } from 'node:timers/promises'
import { type ApiAnswer, eventually, type ReceivedRequest, readTimer } from '@timers/lab'

/** Longer than any answer of the API may take. */
const PATIENCE_MS = 10_000

/** A request to the API, its answer read as JSON. Rejects when the connection breaks. */
export async function ask(
  method: string,
  url: string,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<ApiAnswer> {
  const response = await fetch(url, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as ApiAnswer['body'],
  }
}

/** Timers at instants of one's own choice, created together. @returns their ids, in that order */
export async function createAt(
  apiUrl: string,
  timers: readonly { readonly at: number; readonly [field: string]: unknown }[],
): Promise<number[]> {
  const body = { timers: timers.map(({ at, ...rest }) => ({ ...rest, at: new Date(at).toISOString() })) }
  const { status, body: answer } = await ask('POST', `${apiUrl}/timers/batch`, body)
  const results = answer.results as { status: number; timer: { id: number } }[]
  if (status !== 207 || results.some((each) => each.status !== 201))
    throw new Error(JSON.stringify(answer).slice(0, 500))
  return results.map(({ timer }) => timer.id)
}

/** Does something at an instant, epoch milliseconds. */
export async function atInstant<T>(instant: number, action: () => Promise<T>): Promise<T> {
  await sleep(Math.max(0, instant - Date.now()))
  return action()
}

/** Waits until all of these timers have come to a status. */
export async function untilAll(apiUrl: string, ids: Iterable<number>, status: string): Promise<void> {
  let left = [...ids]
  const look = async (): Promise<void> => {
    const found = await Promise.all(left.map((id) => readTimer(apiUrl, id)))
    const others = found.filter((timer) => timer?.status !== status)
    left = left.filter((_, at) => found[at]?.status !== status)
    if (left.length > 0) {
      throw new Error(`${left.length} timers are not ${status}: ${JSON.stringify(others.slice(0, 3))}`)
    }
  }
  await eventually(look, { timeoutMs: 30_000, intervalMs: 200 })
}

/** What the receiver saw of each timer. */
export function seenById(requests: readonly ReceivedRequest[]): (id: number) => readonly ReceivedRequest[] {
  const byId = new Map<number, ReceivedRequest[]>()
  for (const request of requests) byId.set(request.id, [...(byId.get(request.id) ?? []), request])
  return (id) => byId.get(id) ?? []
}
