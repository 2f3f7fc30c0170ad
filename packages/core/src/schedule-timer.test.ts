import type { TimerStore } from './ports.ts'
import { type ScheduleTimerRequest, scheduleTimer } from './schedule-timer.ts'
import type { Timer, TimerDraft } from './timer.ts'

/** Keeps what it is asked to schedule. */
function listeningStore(drafts: TimerDraft[]): TimerStore {
  const notAsked = () => Promise.reject(new Error('not asked for here'))
  return {
    schedule: async (draft) => {
      drafts.push(draft)
      return { id: 1, createdAt: 0, dueAt: draft.delayMs, ...draft } as Timer
    },
    find: notAsked,
    redrive: notAsked,
  }
}

const origin = { requestId: 'r1', traceparent: undefined }

describe('scheduleTimer', () => {
  const request = { hours: 4, seconds: 1, url: 'https://a.b/c' }

  test('stores the sum of the parts and the URL as it was written', async () => {
    const drafts: TimerDraft[] = []
    const deps = { store: listeningStore(drafts), maxTimerSeconds: 86_400 }
    const timer = await scheduleTimer(request, origin, deps)
    expect(drafts).toEqual([expect.objectContaining({ url: 'https://a.b/c', delayMs: 14_401_000 })])
    expect(timer.id).toBe(1)
  })

  test.each<[string, Partial<ScheduleTimerRequest>, string]>([
    ['a duration that is none', { hours: -1 }, 'INVALID_DURATION'],
    ['more than is allowed', { hours: 25 }, 'INVALID_DURATION'],
    ['a URL that is none', { url: 'ftp://a.b' }, 'INVALID_URL'],
  ])('does not ask the store for %s', async (_, changes, code) => {
    const drafts: TimerDraft[] = []
    const deps = { store: listeningStore(drafts), maxTimerSeconds: 86_400 }
    await expect(scheduleTimer({ ...request, ...changes }, origin, deps)).rejects.toMatchObject({ code })
    expect(drafts).toEqual([])
  })

  test('passes on what the store says', async () => {
    const broken = new Error('away')
    const store = { ...listeningStore([]), schedule: () => Promise.reject(broken) }
    await expect(scheduleTimer(request, origin, { store, maxTimerSeconds: 86_400 })).rejects.toBe(broken)
  })
})
