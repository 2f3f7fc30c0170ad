import { Type } from '@sinclair/typebox'
import { DELIVERY_MODES, type DeliveryMode, MOST_ATTEMPTS } from '@timers/core'

/**
 * The bodies of the timer routes. `wording` says in words what a field may be: error messages are made of it.
 *
 * Bounds on the sum and the rules for URLs are the domain's (`core`), not repeated here.
 */
function durationPart(unit: string) {
  return Type.Optional(
    Type.Integer({
      minimum: 0,
      wording: 'a whole number of at least 0',
      description: `Whole ${unit} until the webhook is sent`,
    }),
  )
}

export const createTimerBody = Type.Object(
  {
    hours: durationPart('hours'),
    minutes: durationPart('minutes'),
    seconds: durationPart('seconds'),
    url: Type.String({
      wording: 'text: an absolute URL that starts with http:// or https://',
      description: 'Where the webhook is sent: POST to this URL with /id appended to its path',
    }),
    delivery: Type.Optional(
      // An enum, not a union: one error, that names the field.
      Type.Unsafe<DeliveryMode>({
        type: 'string',
        enum: DELIVERY_MODES,
        wording: DELIVERY_MODES.join(' or '),
        description: 'Whether a webhook whose fate is unknown is sent again',
      }),
    ),
    max_attempts: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MOST_ATTEMPTS,
        wording: `a whole number from 1 to ${MOST_ATTEMPTS}`,
        description: 'Most attempts, the first included',
      }),
    ),
    payload: Type.Optional(
      // The body parser leaves it as JSON text; nothing walks it.
      Type.String({ wording: 'any JSON value', description: 'Sent as the body, as it was written' }),
    ),
    headers: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        wording: 'an object of header names and text values, such as {"x-order-id": "17"}',
        description: 'Headers to send along, at most ten',
      }),
    ),
  },
  {
    additionalProperties: false,
    anyOf: [{ required: ['hours'] }, { required: ['minutes'] }, { required: ['seconds'] }],
    wording:
      'a JSON object, such as {"hours": 4, "minutes": 0, "seconds": 1, "url": "https://example.com/hook"}',
  },
)

/** Answer to a creation. The order of the fields is the order of the answer. */
export const createdTimerBody = Type.Object({
  id: Type.Integer(),
  time_left: Type.Integer(),
  status: Type.String(),
  due_at: Type.String(),
})

/** A timer as `GET /timers/:id` shows it; what has not happened yet is left out. */
export const timerBody = Type.Object({
  id: Type.Integer(),
  time_left: Type.Integer(),
  status: Type.String(),
  created_at: Type.String(),
  due_at: Type.String(),
  key: Type.Optional(Type.String()),
  labels: Type.Optional(Type.Array(Type.String())),
  waiting_for: Type.Optional(Type.String()),
  next_attempt_at: Type.Optional(Type.String()),
  fired_at: Type.Optional(Type.String()),
  lateness_ms: Type.Optional(Type.Integer()),
  response_status: Type.Optional(Type.Integer()),
  finished_at: Type.Optional(Type.String()),
  resolved: Type.Optional(
    Type.Object({ as: Type.String(), at: Type.String(), note: Type.Optional(Type.String()) }),
  ),
  attempts: Type.Optional(Type.Integer()),
  delivery: Type.String(),
  max_attempts: Type.Integer(),
  expires_in: Type.Optional(Type.Integer()),
  callback: Type.Optional(Type.Object({ on: Type.Array(Type.String()) })),
  callback_of: Type.Optional(Type.Integer()),
  attempt_log: Type.Array(
    Type.Object({
      attempt: Type.Integer(),
      at: Type.String(),
      outcome: Type.String(),
      response_status: Type.Optional(Type.Integer()),
      reason: Type.Optional(Type.String()),
      queue_ms: Type.Optional(Type.Integer()),
      connect_ms: Type.Optional(Type.Integer()),
      response_ms: Type.Optional(Type.Integer()),
    }),
  ),
})
