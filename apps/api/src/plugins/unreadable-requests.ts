import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { App } from '../app.ts'
import { PROBLEM_MEDIA_TYPE, type Problem, problem, problemBody } from '../problems/problem.ts'
import type { Refusals } from '../problems/refusals.ts'
import { endWithProblem } from '../problems/socket-problem.ts'

const MALFORMED = problem('BAD_REQUEST', 'the bytes received are not an HTTP/1.1 request')
const BY_NODE_CODE: Readonly<Record<string, Problem>> = {
  ERR_HTTP_REQUEST_TIMEOUT: problem('REQUEST_TIMEOUT', 'send the whole request within 15 seconds'),
  HPE_HEADER_OVERFLOW: problem(
    'HEADERS_TOO_LARGE',
    'request line and headers must be at most 16 KiB together',
  ),
}

/**
 * Answers what Node's HTTP parser gives up on, as a problem like any other: there is no request yet, only a socket.
 * The connection ends, because nobody knows where the next request would begin.
 */
export function createUnreadableRequestHandler(refusals: Refusals) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    const found = BY_NODE_CODE[error.code ?? ''] ?? MALFORMED
    refusals.record(found, { reason: error.code })
    endWithProblem(socket, found)
  }
}

const UNKNOWN_EXPECTATION = problem(
  'EXPECTATION_FAILED',
  'the only expectation that can be met is 100-continue',
)

/** `Expect` with anything but `100-continue`: Node would answer 417 with no body. */
export function refuseExpectations(app: App, refusals: Refusals): void {
  app.server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    refusals.record(UNKNOWN_EXPECTATION, {})
    const body = JSON.stringify(problemBody(UNKNOWN_EXPECTATION, undefined))
    response
      .writeHead(UNKNOWN_EXPECTATION.status, {
        'content-type': PROBLEM_MEDIA_TYPE,
        'content-length': Buffer.byteLength(body),
      })
      .end(body)
  })
}
