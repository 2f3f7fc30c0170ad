import type { onRequestHookHandler } from 'fastify'
import { problem } from '../problems/problem.ts'
import { ProblemError } from '../problems/problem-error.ts'

/**
 * Most bytes of large bodies that are held at a time: sixteen of the largest batches, or hundreds of common ones. Thousands of
 * connections may be open, and memory for a large body on each of them there is not.
 */
const MOST_BYTES = 64 * 1_024 * 1_024

const FULL = problem(
  'OVERLOADED',
  'too many large requests are under way: send fewer at a time, or try again in a moment',
)

/** For routes that take large bodies: refuses one, before it is read, where there is no room for it beside the others. */
export function createLargeBodyBound(mostBytes = MOST_BYTES): onRequestHookHandler {
  let held = 0
  return (request, reply, done) => {
    const { bodyLimit } = request.routeOptions
    // What is larger than it may be is refused before it is read. Without a length it may come to anything that may be.
    const bytes = Math.min(Number(request.headers['content-length']) || bodyLimit, bodyLimit)
    if (held + bytes > mostBytes) return done(new ProblemError(FULL))
    held += bytes
    reply.raw.once('close', () => {
      held -= bytes
    })
    done()
  }
}
