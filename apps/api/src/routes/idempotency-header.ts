import { parseIdempotencyKey } from '@timers/core'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** The header as it came, if it did: what tells a request that is sent again. */
export function idempotencyHeader({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  const given = headers['idempotency-key']
  return given === undefined ? undefined : String(given)
}

/** @throws TimerError `INVALID_IDEMPOTENCY_KEY` */
export function idempotencyKeyOf(request: Pick<FastifyRequest, 'headers'>): string | undefined {
  const given = idempotencyHeader(request)
  return given === undefined ? undefined : parseIdempotencyKey(given)
}

/** Says that this answer was given before, and nothing was done now. */
export function markReplayed(reply: FastifyReply, replayed: boolean | undefined): void {
  if (replayed === true) reply.header('idempotent-replayed', 'true')
}
