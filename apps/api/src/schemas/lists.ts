import { Type } from '@sinclair/typebox'
import { TIMER_STATUSES, type TimerStatus } from '@timers/core'
import { timerBody } from './timer-answers.ts'

export const listAnswer = Type.Object({
  timers: Type.Array(timerBody),
  next_cursor: Type.Optional(Type.String()),
})

const counted = {
  counts: Type.Object(
    Object.fromEntries(TIMER_STATUSES.map((status) => [status, Type.Integer()])) as Record<
      TimerStatus,
      ReturnType<typeof Type.Integer>
    >,
  ),
  deferred: Type.Integer(),
  overdue: Type.Integer(),
  oldest_overdue_seconds: Type.Number(),
}

export const statsAnswer = Type.Object({
  ...counted,
  shards: Type.Array(Type.Object({ shard: Type.Integer(), ...counted })),
})

export const forecastAnswer = Type.Object({
  bucket: Type.Integer(),
  buckets: Type.Array(Type.Object({ start: Type.String(), due: Type.Integer() })),
})
