import type { ConflictMode } from '@timers/core'
import type { NewTimer } from './client-commands.ts'
import type { StoredChange } from './stored-change.ts'

/** What a pending timer takes of a new one that comes under its key. */
export function conflictChange(timer: NewTimer, mode: ConflictMode): StoredChange | undefined {
  if (mode === 'keep') return undefined
  const { labels = '', expires = '', callback = '' } = timer.extras ?? {}
  const content = { d: timer.data, l: labels, e: expires, c: callback }
  return mode === 'keep_due' ? content : { ...content, t: String(timer.dueAt) }
}
