import type { TimerView } from './api-client.ts'
import type { Creation } from './load.ts'
import { FLAWLESS, judge, type Sighting } from './verdict.ts'

const ASKED_AT = Date.UTC(2026, 0, 1, 12)
const DUE_AT = ASKED_AT + 1_000

describe('judge', () => {
  let creations: Creation[]
  let requests: Sighting[]
  let views: Map<number, TimerView>

  const verdict = () => judge({ creations, requests, views, answer: 200 })
  const change = (id: number, view: Partial<TimerView>) =>
    views.set(id, { ...(views.get(id) as TimerView), ...view })

  beforeEach(() => {
    creations = [1, 2, 3].map((id) => ({
      key: `c${id}`,
      durationMs: 1_000,
      askedAt: ASKED_AT,
      acknowledged: { id, dueAt: DUE_AT },
      failure: undefined,
      tookMs: 5,
    }))
    requests = [1, 2, 3].map((id) => sighting(id, `c${id}`, DUE_AT + 4))
    views = new Map([1, 2, 3].map((id) => [id, firedView(id)]))
  })

  test('finds nothing in a flawless run', () => {
    expect(verdict()).toEqual({ flaws: FLAWLESS, unknown: [] })
  })

  test('finds one loss', () => {
    requests.splice(1, 1)
    change(2, { status: 'pending' })
    const { lost, doubled, early } = verdict().flaws
    expect(lost).toEqual(['c2 (timer 2) is pending'])
    expect([...doubled, ...early]).toEqual([])
  })

  test('a loss that the API calls fired is a loss and a lie', () => {
    requests.splice(1, 1)
    const { lost, misreported } = verdict().flaws
    expect(lost).toEqual(['c2 (timer 2) is fired'])
    expect(misreported).toEqual(['c2 (timer 2) is fired and was never seen'])
  })

  test('finds one double', () => {
    requests.push(sighting(3, 'c3', DUE_AT + 9_000))
    const { doubled, ...others } = verdict().flaws
    expect(doubled).toEqual([expect.stringContaining('c3 (timer 3) was seen 2 times')])
    expect(others).toEqual({ lost: [], early: [], misreported: [] })
  })

  test('finds a creation that made two timers', () => {
    requests.push(sighting(104, 'c3', DUE_AT + 4))
    const { doubled, misreported } = verdict().flaws
    expect(doubled).toHaveLength(1)
    expect(misreported).toEqual(['c3 (timer 3) was seen under another id'])
  })

  test('finds one early by a millisecond', () => {
    requests[0] = sighting(1, 'c1', DUE_AT - 1)
    change(1, { fired_at: iso(DUE_AT), lateness_ms: 0 })
    const { early, lost, doubled } = verdict().flaws
    expect(early).toEqual(['c1 (timer 1) was seen 1 ms early'])
    expect([...lost, ...doubled]).toEqual([])
  })

  test('a timer may end as unknown, seen once or never, and is named', () => {
    requests.splice(1, 1)
    change(1, { status: 'unknown' })
    change(2, { status: 'unknown' })
    expect(verdict()).toEqual({
      flaws: FLAWLESS,
      unknown: [
        { id: 1, dueAt: DUE_AT, seen: requests[0] },
        { id: 2, dueAt: DUE_AT, seen: undefined },
      ],
    })
  })

  test('a creation that was not acknowledged may be seen once, or never, and not twice', () => {
    for (const creation of creations) creation.acknowledged = undefined
    requests.splice(1, 1)
    views.delete(2)
    expect(verdict().flaws).toEqual(FLAWLESS)
    requests.push(sighting(1, 'c1', DUE_AT + 5))
    expect(verdict().flaws.doubled).toHaveLength(1)
  })

  test('a creation that was not acknowledged is not early before its duration is over', () => {
    for (const creation of creations) creation.acknowledged = undefined
    requests[0] = sighting(1, 'c1', ASKED_AT + 999)
    change(1, { fired_at: iso(ASKED_AT + 999) })
    expect(verdict().flaws.early).toEqual(['c1 (timer 1) was seen 1 ms early'])
  })

  test.each<[string, Partial<TimerView>]>([
    ['is failed and was seen 1 times', { status: 'failed' }],
    ['is firing and was seen 1 times', { status: 'firing' }],
    ['is due at another time than promised', { due_at: iso(DUE_AT + 1) }],
    ['is due before its duration is over', { due_at: iso(DUE_AT - 1) }],
    ['has response_status 500', { response_status: 500 }],
    ['has lateness_ms 7', { lateness_ms: 7 }],
    ['has fired_at 6 ms after it was seen', { fired_at: iso(DUE_AT + 10), lateness_ms: 10 }],
  ])('finds a timer that %s', (what, view) => {
    change(2, view)
    expect(verdict().flaws.misreported).toContain(`c2 (timer 2) ${what}`)
  })

  test('finds a timer that the API does not know, and a request that nobody asked for', () => {
    views.delete(1)
    requests.push(sighting(9, 'c9', DUE_AT))
    expect(verdict().flaws.misreported).toEqual([
      'c1 (timer 1) is not known to the API',
      'c9 was seen 1 times and never asked for',
    ])
  })
})

function sighting(id: number, key: string, receivedAt: number): Sighting {
  return { id, path: `/hook/${key}/${id}`, receivedAt, answeredAt: receivedAt + 50 }
}

function firedView(id: number): TimerView {
  return {
    id,
    time_left: 0,
    status: 'fired',
    created_at: iso(ASKED_AT),
    due_at: iso(DUE_AT),
    fired_at: iso(DUE_AT + 3),
    lateness_ms: 3,
    response_status: 200,
    attempts: 1,
  }
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
