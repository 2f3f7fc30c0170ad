import type { TimerStatus } from '@timers/core'
import { timerIdOf } from '../shards/shard-keys.ts'
import type { ChangeAnswer, CreateAnswer, CreateReply, Reply } from './client-commands.ts'
import { toHash } from './stored-timer.ts'

/** What became of a create, as the script has answered it. */
export function toCreateAnswer(answer: CreateReply): CreateAnswer {
  if (answer === 1) return { kind: 'stored' }
  if (answer === 0) return { kind: 'id taken' }
  const [kind, other = '', made, due] = answer as [string, string?, string?, string?]
  switch (kind) {
    case 'replay':
      return { kind, id: timerIdOf(other), createdAt: Number(made), dueAt: Number(due) }
    case 'taken':
      return { kind: 'key taken', id: timerIdOf(other) }
    case 'none':
      return { kind }
    case 'doubt':
      return { kind, guard: other }
    case 'moved':
      return { kind, layout: other }
    default:
      return { kind: 'reused' }
  }
}

/** What became of a change, as the script has answered it. */
export function toAnswer([kind, found = '', flat = []]: Reply): ChangeAnswer {
  switch (kind) {
    case 'done':
    case 'again':
      return { kind, id: timerIdOf(found), hash: toHash(flat) }
    case 'firing':
    case 'finished':
    case 'refused':
      return { kind, status: found as TimerStatus }
    case 'taken':
      return { kind, id: timerIdOf(found) }
    default:
      return { kind: 'missing' }
  }
}
