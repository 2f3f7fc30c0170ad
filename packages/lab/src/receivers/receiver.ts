import type { Socket } from 'node:net'
import { answerBytes, serveRequests, targetOf } from './serve-requests.ts'

/** A request as the receiver saw it. Recorded when its head arrived, whatever became of it afterwards. */
export interface ReceivedRequest {
  /** The last segment of the path as a number: the timer's id. NaN when it is none. */
  readonly id: number
  readonly path: string
  /** Path and query, as on the request line. */
  readonly url: string
  readonly method: string
  /** Names in small letters; what came twice is joined by commas. */
  readonly headers: Readonly<Record<string, string>>
  /** When the head arrived, epoch milliseconds. */
  readonly receivedAt: number
  /** Empty until it has arrived; complete when `respond` is asked. */
  body: string
  /** What was decided; undefined before. */
  answer: Answer | undefined
  /** When the answer was handed to the socket, epoch milliseconds; undefined while there is none. */
  answeredAt: number | undefined
}

/**
 * What the receiver does with a request: an answer (default 200, at once, empty), `hang` (never answers), `reset` (RST),
 * `close` (ends the connection without an answer).
 */
export type Answer =
  | {
      readonly status?: number
      readonly delayMs?: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string | Buffer
    }
  | 'hang'
  | 'reset'
  | 'close'

export interface ReceiverOptions {
  /** Decides each request, after its body has arrived. Default: 200 at once. */
  readonly respond?: (request: ReceivedRequest) => Answer
  /** Default: a free one. */
  readonly port?: number
  /** Another address of this machine: receivers of other hosts. Default 127.0.0.1. */
  readonly host?: string
}

export interface Receiver {
  readonly port: number
  /** `http://<host>:<port>` */
  readonly url: string
  /** `<url>/hook`, the address to give to a timer. */
  readonly hookUrl: string
  /** Every request so far, in the order of arrival. The live list: do not change it. */
  readonly requests: readonly ReceivedRequest[]
  /** May be replaced while it runs. */
  respond: (request: ReceivedRequest) => Answer
  /** How many requests came for each id. */
  countById(): Map<number, number>
  /**
   * Waits until `predicate` holds; asked now, and after each arrival and each answer. Rejects after `timeoutMs` (default
   * 10 s) and when the receiver is closed.
   */
  waitFor(predicate: (requests: readonly ReceivedRequest[]) => boolean, timeoutMs?: number): Promise<void>
  /** Stops listening and destroys every open connection. */
  close(): Promise<void>
}

interface Waiter {
  check(): void
  cancel(): void
}

/** Starts a webhook receiver on 127.0.0.1 that records every request. The test must `close()` it. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const requests: ReceivedRequest[] = []
  const waiters = new Set<Waiter>()
  const answers = new Set<NodeJS.Timeout>()
  const changed = (): void => {
    for (const waiter of waiters) waiter.check()
  }

  const server = await serveRequests<ReceivedRequest>(
    {
      head: (head) => {
        const request = record(head)
        requests.push(request)
        changed()
        return request
      },
      complete: (request, body, socket) => {
        request.body = Buffer.from(body, 'latin1').toString('utf8')
        const answer = receiver.respond(request)
        request.answer = answer
        if (answer === 'hang') return
        if (answer === 'reset') return void socket.resetAndDestroy()
        if (answer === 'close') return void socket.destroy()
        const send = (): void => {
          request.answeredAt = Date.now()
          reply(socket, request, answer)
          changed()
        }
        if (answer.delayMs === undefined || answer.delayMs <= 0) return send()
        const timer = setTimeout(() => {
          answers.delete(timer)
          send()
        }, answer.delayMs)
        answers.add(timer)
      },
    },
    options,
  )

  const { port } = server
  const url = `http://${options.host ?? '127.0.0.1'}:${port}`
  const receiver: Receiver = {
    port,
    url,
    hookUrl: `${url}/hook`,
    requests,
    respond: options.respond ?? (() => ({})),
    countById: () => {
      const counts = new Map<number, number>()
      for (const { id } of requests) counts.set(id, (counts.get(id) ?? 0) + 1)
      return counts
    },
    waitFor: (predicate, timeoutMs = 10_000) =>
      new Promise((resolve, reject) => {
        const finish = (error?: Error): void => {
          clearTimeout(timer)
          waiters.delete(waiter)
          error === undefined ? resolve() : reject(error)
        }
        const state = (): string => `${requests.length} requests so far`
        const timer = setTimeout(
          () => finish(new Error(`The receiver waited ${timeoutMs} ms in vain; ${state()}`)),
          timeoutMs,
        )
        const waiter: Waiter = {
          check: () => {
            try {
              if (predicate(requests)) finish()
            } catch (error) {
              finish(error as Error)
            }
          },
          cancel: () => finish(new Error(`The receiver was closed while a test waited; ${state()}`)),
        }
        waiters.add(waiter)
        waiter.check()
      }),
    close: async () => {
      for (const waiter of waiters) waiter.cancel()
      for (const timer of answers) clearTimeout(timer)
      await server.close()
    },
  }
  return receiver
}

function record(head: string): ReceivedRequest {
  const receivedAt = Date.now()
  const [line = '', ...fields] = head.split('\r\n')
  const url = targetOf(head)
  const query = url.indexOf('?')
  const path = query < 0 ? url : url.slice(0, query)
  const last = path.slice(path.lastIndexOf('/') + 1)
  const id = /^\d+$/.test(last) ? Number(last) : Number.NaN
  const headers: Record<string, string> = {}
  for (const field of fields) {
    const name = field.slice(0, field.indexOf(':')).toLowerCase()
    const value = field.slice(name.length + 1).trim()
    headers[name] = Object.hasOwn(headers, name) ? `${headers[name]}, ${value}` : value
  }
  const method = line.slice(0, line.indexOf(' '))
  return { id, path, url, method, headers, receivedAt, body: '', answer: undefined, answeredAt: undefined }
}

function reply(socket: Socket, request: ReceivedRequest, answer: Exclude<Answer, string>): void {
  if (socket.destroyed) return
  const { status = 200, headers = {}, body = '' } = answer
  socket.write(answerBytes(status, headers, body))
  const connection = headers.connection ?? request.headers.connection
  if (connection?.toLowerCase() === 'close') socket.end()
}
