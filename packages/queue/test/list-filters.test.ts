import { TIMER_STATUSES, type TimerFilter } from '@timers/core'
import { ids, inOrder, lister, mixed, NOW, open, placer, query, useLister, walk } from './lister-bed.ts'
import { PLACES, STATUS_AT } from './placed-timers.ts'

describe('the list of timers', () => {
  useLister()

  test.each(TIMER_STATUSES.map((status) => [status]))(
    'shows those that are %s, and no others',
    async (status) => {
      await open(2)
      const timers = mixed(240)
      await placer.putAll(timers)
      const wanted = timers.filter(({ place }) => STATUS_AT[place] === status)
      expect(ids(await walk({ filter: { statuses: [status] }, limit: 9 }))).toEqual(inOrder(wanted))
    },
  )

  test('shows several statuses in one row', async () => {
    await open(2)
    const timers = mixed(240)
    await placer.putAll(timers)
    for (const statuses of [
      ['pending', 'firing'],
      ['fired', 'cancelled', 'expired'],
      ['failed', 'unknown'],
      ['firing', 'unknown', 'fired'],
    ] as const) {
      const wanted = timers.filter(({ place }) => (statuses as readonly string[]).includes(STATUS_AT[place]))
      expect(ids(await walk({ filter: { statuses }, order: 'desc', limit: 20 }))).toEqual(
        inOrder(wanted, 'desc'),
      )
    }
  })

  test.each(['asc', 'desc'] as const)(
    'between two due times: the first is in, the second is out (%s)',
    async (order) => {
      await open(2)
      const timers = mixed(300)
      await placer.putAll(timers)
      const byDue = [...timers].sort((a, b) => a.dueAt - b.dueAt)
      const [dueFrom = 0, dueBefore = 0] = [200, 700].map((at) => byDue[at / 4]?.dueAt)
      const wanted = timers.filter(({ dueAt }) => dueAt >= dueFrom && dueAt < dueBefore)
      expect(wanted.some(({ dueAt }) => dueAt === dueFrom)).toBe(true)
      const filter = { dueFrom, dueBefore }
      expect(ids(await walk({ filter, order, limit: 11 }))).toEqual(inOrder(wanted, order))
      expect(await lister.list(query({ filter: { dueFrom: dueBefore, dueBefore: dueFrom }, order }))).toEqual(
        {
          timers: [],
          next: undefined,
        },
      )
    },
  )

  test('with a label: unfinished ones by its set, finished ones by what they hold', async () => {
    await open(2)
    const timers = mixed(240).map((timer) => ({
      ...timer,
      labels: timer.id % 3 === 0 ? ['red', 'round'] : ['blue'],
    }))
    await placer.putAll(timers)
    const walked = async (filter: TimerFilter) => ids(await walk({ filter, limit: 13 }))
    const round = timers.filter(({ id }) => id % 3 === 0)
    expect(await walked({ label: 'round' })).toEqual(inOrder(round))
    const pending = round.filter(({ place }) => STATUS_AT[place] === 'pending')
    expect(await walked({ label: 'round', statuses: ['pending'] })).toEqual(inOrder(pending))
    const failed = round.filter(({ place }) => STATUS_AT[place] === 'failed')
    expect(await walked({ label: 'round', statuses: ['failed'] })).toEqual(inOrder(failed))
    expect(await walked({ label: 'roun' })).toEqual([])
  })

  test("another owner's timers are not shown, with a label or without", async () => {
    await open()
    const timers = mixed(60).map((timer) => ({
      ...timer,
      labels: ['red'],
      ...(timer.id % 2 && { owner: 'shop' }),
    }))
    await placer.putAll(timers)
    const theirs = inOrder(timers.filter(({ id }) => id % 2 === 1))
    expect(ids(await walk({ filter: { owner: 'shop' } }))).toEqual(theirs)
    expect(ids(await walk({ filter: { owner: 'shop', label: 'red' } }))).toEqual(theirs)
    const ours = inOrder(timers.filter(({ id }) => id % 2 === 0))
    expect(ids(await walk({ filter: { owner: 'default', label: 'red' } }))).toEqual(ours)
  })

  test('with an origin, which no set is for: pages may be short, none is skipped, and each ends after a bounded part', async () => {
    await open(2)
    const timers = Array.from({ length: 3_000 }, (_, index) => ({
      id: index + 1,
      dueAt: NOW + index,
      place: 'planned' as const,
      url: index % 1_400 === 1_399 ? 'https://rare.example:8443/x' : 'https://receiver.example/hook',
    }))
    await placer.putAll(timers)
    const walked = await walk({ filter: { origin: 'https://rare.example:8443' }, limit: 1 })
    expect(ids(walked)).toEqual([1_400, 2_800])
    expect(walked.pages).toBeGreaterThan(2)
  })

  test('never shows a callback', async () => {
    await open()
    await placer.putAll(mixed(12))
    const places = PLACES.filter((place) => STATUS_AT[place] === 'pending' || place === 'failed')
    await placer.putAll(
      mixed(240, 100).map((timer, at) => ({
        ...timer,
        callback: true,
        place: places[at % places.length] ?? 'planned',
      })),
    )
    expect(ids(await walk({ limit: 5 }))).toEqual(inOrder(mixed(12)))
    expect(ids(await walk({ filter: { statuses: ['failed'] } }))).toEqual([10])
  })
})
