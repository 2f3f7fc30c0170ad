import { type Static, Type } from '@sinclair/typebox'
import { createdTimerBody } from './timer-answers.ts'
import { createTimerBody } from './timer-bodies.ts'

/** Most timers of one batch, and most bytes of its body. */
export const MOST_IN_BATCH = 1_000
export const BATCH_LIMIT_BYTES = 4 * 1_024 * 1_024

/** The items are judged one by one, by `batchItem`. */
export const batchBody = Type.Object(
  {
    timers: Type.Array(Type.Unknown(), {
      minItems: 1,
      maxItems: MOST_IN_BATCH,
      wording: `a list of 1 to ${MOST_IN_BATCH} timers`,
      description: 'Each as for POST /timers',
    }),
  },
  {
    additionalProperties: false,
    noun: 'a batch',
    wording: 'a JSON object, such as {"timers": [{"minutes": 5, "url": "https://example.com/hook"}]}',
  },
)

const { properties, ...rules } = createTimerBody

export const batchItem = Type.Object(
  {
    ...properties,
    idempotency_key: Type.Optional(
      Type.String({
        wording: 'text: 1 to 255 visible ASCII characters',
        description: 'As the header Idempotency-Key of POST /timers',
      }),
    ),
  },
  rules,
)
export type BatchItem = Static<typeof batchItem>

/** One result an item, in the order in which they were asked for: a timer or a problem. */
export const batchAnswer = Type.Object({
  results: Type.Array(
    Type.Object({
      status: Type.Integer(),
      timer: Type.Optional(createdTimerBody),
      replayed: Type.Optional(Type.Boolean()),
      problem: Type.Optional(
        Type.Object({}, { additionalProperties: true, description: 'As in an answer of its own' }),
      ),
    }),
  ),
})
