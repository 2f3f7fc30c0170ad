import type { Evidence, ListFilter } from '../evidence.ts'
import type { TimerView } from '../timer-view.ts'

type Shown = Pick<Evidence, 'lists' | 'counts' | 'views'>

/** What a list left out, showed twice or should not have shown, and what was counted wrong, when everything stood still. */
export function wrongLists({ lists = [], counts, views }: Shown): string[] {
  const timers = [...views.values()]
  const found = lists.flatMap((list) => {
    const shown = new Set(list.ids)
    const expected = timers.filter((view) => matches(view, list)).map(({ id }) => id)
    const missing = expected.filter((id) => !shown.delete(id))
    const { status = 'any', label = 'any' } = list
    const tell = (what: string): string => `the list of status ${status}, label ${label} ${what}`
    return [
      ...(new Set(list.ids).size < list.ids.length ? [tell('shows a timer twice')] : []),
      ...(missing.length > 0 ? [tell(`leaves out ${missing.join(', ')}`)] : []),
      ...(shown.size > 0 ? [tell(`shows ${[...shown].join(', ')}`)] : []),
    ]
  })
  for (const [status, count] of Object.entries(counts ?? {})) {
    const are = timers.filter((view) => view.status === status).length
    if (count !== are) found.push(`${count} timers are counted as ${status}, and ${are} are`)
  }
  return found
}

function matches(view: TimerView, { status, label }: ListFilter): boolean {
  const has = label === undefined || view.labels?.includes(label) === true
  return has && (status === undefined || view.status === status)
}
