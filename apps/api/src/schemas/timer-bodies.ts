import { Type } from '@sinclair/typebox'
import { CONFLICT_MODES, type ConflictMode } from '@timers/core'
import {
  callbackField,
  deliveryFields,
  expiresInField,
  headersField,
  keyField,
  labelsField,
  NO_TIME,
  orNull,
  payloadField,
  TIME_FIELDS,
  timeFields,
  urlField,
} from './timer-fields.ts'

/** The bodies of the requests that create, change and settle one timer. */
const newTimerFields = {
  ...timeFields,
  url: urlField,
  ...deliveryFields,
  payload: Type.Optional(payloadField),
  headers: Type.Optional(headersField),
  key: Type.Optional(keyField),
  labels: Type.Optional(labelsField),
  expires_in: Type.Optional(expiresInField),
  callback: Type.Optional(callbackField),
}

const newTimer = {
  additionalProperties: false,
  noun: 'a timer',
  anyOf: TIME_FIELDS.map((name) => ({ required: [name] })),
  alternatives: NO_TIME,
  wording:
    'a JSON object, such as {"hours": 4, "minutes": 0, "seconds": 1, "url": "https://example.com/hook"}',
}

export const createTimerBody = Type.Object(newTimerFields, newTimer)

export const putTimerBody = Type.Object(
  {
    ...newTimerFields,
    on_conflict: Type.Optional(
      Type.Unsafe<ConflictMode>({
        type: 'string',
        enum: CONFLICT_MODES,
        wording: `one of ${CONFLICT_MODES.join(', ')}`,
        description: 'What becomes of a pending timer that has the key',
      }),
    ),
  },
  newTimer,
)

export const changeTimerBody = Type.Object(
  {
    ...timeFields,
    url: Type.Optional(urlField),
    ...deliveryFields,
    payload: Type.Optional(payloadField),
    headers: Type.Optional(orNull(headersField)),
    labels: Type.Optional(orNull(labelsField)),
    expires_in: Type.Optional(orNull(expiresInField)),
    callback: Type.Optional(orNull(callbackField)),
  },
  {
    additionalProperties: false,
    noun: 'a change',
    wording: 'a JSON object of what is to be another, such as {"minutes": 30}',
  },
)

const SETTLED_AS = ['fired', 'failed'] as const
const MAX_NOTE_LENGTH = 500

export const resolveTimerBody = Type.Object(
  {
    as: Type.Unsafe<(typeof SETTLED_AS)[number]>({
      type: 'string',
      enum: SETTLED_AS,
      wording: SETTLED_AS.join(' or '),
      description: 'What became of it',
    }),
    note: Type.Optional(
      Type.String({
        maxLength: MAX_NOTE_LENGTH,
        wording: `text of at most ${MAX_NOTE_LENGTH} characters`,
        description: 'How that is known',
      }),
    ),
  },
  { additionalProperties: false, noun: 'a resolution', wording: 'a JSON object, such as {"as": "fired"}' },
)
