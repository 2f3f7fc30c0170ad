import type { Evidence } from '../evidence.ts'

/** What the list of all timers left out, or showed twice, when everything stood still. */
export function wrongList({ listed, views }: Pick<Evidence, 'listed' | 'views'>): string[] {
  if (listed === undefined) return []
  const found: string[] = []
  const ids = new Set(listed)
  if (ids.size < listed.length) found.push(`the list shows ${listed.length - ids.size} timers twice`)
  const missing = [...views.keys()].filter((id) => !ids.has(id))
  if (missing.length > 0) found.push(`the list leaves out ${missing.join(', ')}`)
  return found
}
