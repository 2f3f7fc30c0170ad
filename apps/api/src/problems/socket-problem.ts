import type { Socket } from 'node:net'
import { PROBLEM_MEDIA_TYPE, type Problem, problemBody } from './problem.ts'

/** Answers on a socket where there is no request to answer, and ends the connection. */
export function endWithProblem(socket: Socket, problem: Problem): void {
  const body = JSON.stringify(problemBody(problem, undefined))
  const headers = {
    ...problem.headers,
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  socket.on('error', () => socket.destroy())
  socket.end([`HTTP/1.1 ${problem.status} ${problem.title}`, ...lines, '', body].join('\r\n'), () =>
    socket.destroy(),
  )
}
