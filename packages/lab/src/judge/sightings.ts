import type { ReceivedRequest } from '../receivers/receiver.ts'

/** A request as a receiver saw it. */
export interface Sighting {
  readonly key: string
  readonly id: number
  readonly receivedAt: number
  /** What it was answered with, and when the answer was handed to the socket. */
  readonly answer: number | 'hang' | 'reset' | 'close' | undefined
  readonly answeredAt: number | undefined
  /** Which content was sent, as the URL, the payload and a header say it, each once: see `Creation.version`. */
  readonly versions?: readonly number[]
}

/** The header that tells the version of what is sent. */
export const VERSION_HEADER = 'x-version'

/** The path is `/<anything>[-v<version>]/<key>/<id>`. */
export function sightingOf(request: ReceivedRequest): Sighting {
  const { path, id, receivedAt, answeredAt } = request
  const versions = versionsOf(request)
  return {
    key: path.split('/').at(-2) ?? '',
    id,
    receivedAt,
    answer: answerOf(request),
    answeredAt,
    ...(versions.length > 0 && { versions }),
  }
}

function versionsOf({ path, headers, body }: ReceivedRequest): number[] {
  const told = [
    /-v(\d+)$/.exec(path.split('/').at(-3) ?? '')?.[1],
    headers[VERSION_HEADER],
    // The answer of one that was cut off while it was read is not there yet.
    /^\{"v": ?(\d+)\}$/.exec(body)?.[1],
  ]
  return [...new Set(told.flatMap((text) => (text === undefined ? [] : [Number(text)])))]
}

/** Where those are told who want to hear of all timers. */
export const OPERATOR_PATH = '/events'

/** What somebody who is called back was told. */
export interface CallbackSighting {
  /** The timer that it tells of. */
  readonly id: number
  /** `fired` of `timer.fired`. */
  readonly event: string
  /** Tells a repeat from another event. */
  readonly webhookId: string
  readonly receivedAt: number
  /** Whether it was told to who wants to hear of all timers. */
  readonly isOperator: boolean
  /** The timer's status, as the body shows it. */
  readonly status: string | undefined
}

/** Reads a callback; undefined where it is none. */
export function callbackOf({
  path,
  body,
  headers,
  receivedAt,
}: ReceivedRequest): CallbackSighting | undefined {
  const { type, data } = parse(body)
  const [, event] = /^timer\.(\w+)$/.exec(String(type)) ?? []
  if (event === undefined) return undefined
  const id = Number(data?.timer?.id)
  const isOperator = path.startsWith(OPERATOR_PATH)
  const webhookId = headers['webhook-id'] ?? ''
  return { id, event, webhookId, receivedAt, isOperator, status: data?.timer?.status }
}

interface CallbackBody {
  readonly type?: string
  readonly data?: { readonly timer?: { readonly id?: number; readonly status?: string } }
}

function parse(body: string): CallbackBody {
  try {
    return (JSON.parse(body) ?? {}) as CallbackBody
  } catch {
    return {}
  }
}

function answerOf({ answer }: ReceivedRequest): Sighting['answer'] {
  return typeof answer === 'object' ? (answer.status ?? 200) : answer
}
