import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** What a client may give as its own id: enough for UUIDs and trace ids, nothing that could break a log line. */
const WELL_FORMED = /^[A-Za-z0-9._-]{1,64}$/

/**
 * Gives requests their ids: the client's `x-request-id` where it is well-formed, else one of ours.
 *
 * Ours are a random part per process and a counter: unique among processes, and cheap enough for the hot path.
 */
export function createRequestIds(): (request: Pick<IncomingMessage, 'headers'>) => string {
  const prefix = randomBytes(5).toString('hex')
  let count = 0
  return ({ headers }) => {
    const given = headers['x-request-id']
    if (typeof given === 'string' && WELL_FORMED.test(given)) return given
    count += 1
    return `${prefix}-${count.toString(36)}`
  }
}
