import { Type } from '@sinclair/typebox'

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

/** A timer after a `PUT`, and the one that had the key and was left alone. */
export const putTimerAnswer = Type.Object({
  ...timerBody.properties,
  previous: Type.Optional(Type.Object({ id: Type.Integer(), status: Type.String() })),
})
