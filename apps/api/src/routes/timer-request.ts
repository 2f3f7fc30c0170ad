import type { Static } from '@sinclair/typebox'
import type { ChangeTimerRequest, CreateTimerRequest } from '@timers/core'
import type { changeTimerBody, createTimerBody } from '../schemas/timer-bodies.ts'

/** Bodies in the words of the domain. Field by field: a rest of a body costs more than all of these. */
export function toTimerRequest(body: Static<typeof createTimerBody>): CreateTimerRequest {
  return {
    hours: body.hours,
    minutes: body.minutes,
    seconds: body.seconds,
    in: body.in,
    at: body.at,
    atLocal: body.at_local,
    timezone: body.timezone,
    url: body.url,
    mode: body.delivery,
    maxAttempts: body.max_attempts,
    payload: body.payload,
    headers: body.headers,
    key: body.key,
    labels: body.labels,
    expiresIn: body.expires_in,
    callback: body.callback,
  }
}

export function toChangeRequest(body: Static<typeof changeTimerBody>): ChangeTimerRequest {
  return {
    hours: body.hours,
    minutes: body.minutes,
    seconds: body.seconds,
    in: body.in,
    at: body.at,
    atLocal: body.at_local,
    timezone: body.timezone,
    url: body.url,
    mode: body.delivery,
    maxAttempts: body.max_attempts,
    // As JSON text, like any payload: `null` is the text null, which takes the payload away.
    payload: body.payload,
    headers: body.headers,
    labels: body.labels,
    expiresIn: body.expires_in,
    callback: body.callback,
  }
}
