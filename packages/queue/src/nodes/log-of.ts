import type { Log } from '@timers/core'

/** A log whose lines name a node. */
export function logOf(node: string, log: Log): Log {
  return {
    debug: (fields, message) => log.debug({ node, ...fields }, message),
    info: (fields, message) => log.info({ node, ...fields }, message),
    warn: (fields, message) => log.warn({ node, ...fields }, message),
    error: (fields, message) => log.error({ node, ...fields }, message),
  }
}
