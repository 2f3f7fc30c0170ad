import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { DELIVERY_MODES, type DeliveryMode, MOST_ATTEMPTS, TIME_FORMS } from '@timers/core'

/**
 * The fields of a timer as a client writes them: kinds and shapes. `wording` says in words what a field may be: error
 * messages are made of it.
 *
 * Rules for what is in a field (bounds on a time, alphabets, URLs) are the domain's (`core`), not repeated here.
 */
function durationPart(unit: string) {
  return Type.Integer({
    minimum: 0,
    wording: 'a whole number of at least 0',
    description: `Whole ${unit} until the webhook is sent`,
  })
}

/** The ways to say when a timer is due. */
export const timeFields = {
  hours: Type.Optional(durationPart('hours')),
  minutes: Type.Optional(durationPart('minutes')),
  seconds: Type.Optional(durationPart('seconds')),
  in: Type.Optional(
    Type.String({
      wording: 'text: a duration, such as "1h30m" or "PT1H30M"',
      description: 'Time until the webhook is sent',
    }),
  ),
  at: Type.Optional(
    Type.String({
      wording: 'text: an instant with its offset, such as "2026-12-24T18:00:00+01:00"',
      description: 'When the webhook is sent, RFC 3339',
    }),
  ),
  at_local: Type.Optional(
    Type.String({
      wording: 'text: a date and time without an offset, such as "2026-12-24T18:00:00"',
      description: 'When the webhook is sent, by the clocks of `timezone`',
    }),
  ),
  timezone: Type.Optional(
    Type.String({
      wording: 'text: the name of a time zone, such as "Europe/Berlin"',
      description: 'IANA zone of `at_local`',
    }),
  ),
}

/** Of the error where none of them is given; whether they fit together is for `core` to say. */
export const TIME_FIELDS = Object.keys(timeFields)
export const NO_TIME = {
  field: 'seconds',
  message: `give at least one of ${TIME_FORMS}`,
}

export const urlField = Type.String({
  wording: 'text: an absolute URL that starts with http:// or https://',
  description: 'Where the webhook is sent: POST to this URL with /id appended to its path',
})

export const keyField = Type.String({
  wording: 'text: 1 to 128 letters, digits, dots, dashes, colons and underscores',
  description: 'Your own name for the timer, unique among those that are not finished',
})

export const deliveryFields = {
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
}

/** The body parser leaves it as JSON text; nothing walks it. */
export const payloadField = Type.String({
  wording: 'any JSON value',
  description: 'Sent as the body, as it was written',
})

export const headersField = Type.Record(Type.String(), Type.String(), {
  wording: 'an object of header names and text values, such as {"x-order-id": "17"}',
  description: 'Headers to send along, at most ten',
})

export const labelsField = Type.Array(Type.String(), {
  wording: 'a list of at most 8 texts, such as ["orders", "eu"]',
  description: 'To find timers by, and to act on many',
})

export const expiresInField = Type.Integer({
  wording: 'a whole number of seconds, at least 1',
  description: 'Seconds after the due time beyond which the webhook is not sent any more',
})

export const callbackField = Type.Object(
  {
    url: Type.String({
      wording: 'text: an absolute URL that starts with http:// or https://',
      description: 'Who is told of the end of the timer: POST to this URL',
    }),
    on: Type.Optional(
      Type.Array(Type.String(), {
        wording: 'a list of final statuses, such as ["failed", "unknown"]',
        description: 'Of which ends',
      }),
    ),
  },
  {
    additionalProperties: false,
    noun: 'a callback',
    wording: 'an object, such as {"url": "https://example.com/ended", "on": ["failed"]}',
  },
)

/** The same, or `null` to take away what is there: for changes. */
export function orNull<T extends TSchema>(schema: T) {
  return Type.Unsafe<Static<T> | null>({
    ...schema,
    nullable: true,
    wording: `${schema.wording}, or null to take it away`,
  })
}
