import { type Static, Type } from '@sinclair/typebox'
import { MOST_AT_ONCE, MOST_PER_SECOND } from '@timers/core'

const stepFields = {
  // What is in it is for `core` to judge, as in a list.
  filter: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      wording: 'an object of filters, such as {"label": "order-17"}',
      description: 'Which timers: as in GET /timers',
    }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MOST_AT_ONCE,
      wording: `a whole number from 1 to ${MOST_AT_ONCE}`,
      description: 'Most timers of this step',
    }),
  ),
  cursor: Type.Optional(
    Type.Unsafe<string | null>({
      type: 'string',
      nullable: true,
      wording: 'the next_cursor of the last answer',
      description: 'Where the last step ended',
    }),
  ),
  dry_run: Type.Optional(Type.Boolean({ wording: 'true or false', description: 'Counts, and does nothing' })),
}

export const cancelManyBody = Type.Object(stepFields, {
  additionalProperties: false,
  noun: 'a bulk cancel',
  wording: 'a JSON object, such as {"filter": {"label": "order-17"}}',
})

export const redriveManyBody = Type.Object(
  {
    ...stepFields,
    per_second: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MOST_PER_SECOND,
        wording: `a whole number from 1 to ${MOST_PER_SECOND}`,
        description: 'How many are sent a second, over all steps',
      }),
    ),
  },
  {
    additionalProperties: false,
    noun: 'a bulk redrive',
    wording: 'a JSON object, such as {"filter": {"origin": "https://example.com"}, "per_second": 50}',
  },
)
export type StepBody = Static<typeof cancelManyBody>

export const bulkAnswer = Type.Object({
  matched: Type.Integer(),
  done: Type.Integer(),
  skipped: Type.Array(Type.Object({ id: Type.Integer(), code: Type.String() })),
  next_cursor: Type.Optional(Type.String()),
})
