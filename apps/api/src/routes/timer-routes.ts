import type { AddressPolicy, Clock, RequestOrigin, TimerStore } from '@timers/core'
import type { Logger } from '@timers/runtime'
import type { FastifyRequest } from 'fastify'
import type { TimerCounters } from './timer-counters.ts'

/** What the routes of timers work with. */
export interface TimerRouteDeps {
  readonly store: TimerStore
  readonly clock: Clock
  readonly logger: Logger
  readonly counters: TimerCounters
  readonly addressPolicy: AddressPolicy
  /** Longest time that is accepted, in seconds. */
  readonly maxTimerSeconds: number
}

export function originOfRequest(request: FastifyRequest): RequestOrigin {
  const { traceparent } = request.headers
  return { requestId: request.id, traceparent: typeof traceparent === 'string' ? traceparent : undefined }
}
