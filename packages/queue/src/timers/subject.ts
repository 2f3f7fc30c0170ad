import type { TimerById, TimerRef } from '@timers/core'
import type { Subject } from './client-commands.ts'
import { ownerField } from './creation.ts'

/** Which timer is meant, in the words of Redis. */
export type Named = Subject | { readonly owner: string; readonly key: string }

export function subjectOf(ref: TimerRef): Named {
  if (typeof ref === 'number' || 'id' in ref) return subjectById(ref)
  return { owner: ownerField(ref.owner), key: ref.key }
}

export function subjectById(ref: TimerById): Subject {
  return typeof ref === 'number' ? { owner: '', id: ref } : { owner: ownerField(ref.owner), id: ref.id }
}

export function isPossible(subject: Named): boolean {
  return !('id' in subject) || (Number.isSafeInteger(subject.id) && subject.id > 0)
}
