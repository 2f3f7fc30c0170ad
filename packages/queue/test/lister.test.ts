import {
  TIMER_STATUSES,
  type TimerFilter,
  type TimerPosition,
  type TimerQuery,
  type TimerRecord,
} from '@timers/core'
import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { Lister } from '../src/index/lister.ts'
import { withScripts } from '../src/index/scripts.ts'
import { Shards } from '../src/shards/shards.ts'
import { upgradeTimers } from '../src/timers/upgrade.ts'
import { PLACES, type PlacedTimer, STATUS_AT, TimerPlacer } from './placed-timers.ts'
import { Rig } from './rig.ts'

const HOUR = 3_600_000
const NOW = Date.now()

describe('the list of timers', () => {
  let rig: Rig
  let placer: TimerPlacer
  let lister: Lister
  let shards: Shards

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  afterEach(() => rig.reset())

  async function open(count = 1): Promise<void> {
    shards = new Shards(
      { redisUrl: rig.redis.url, shards: count, prefix: rig.prefix, log: rig.log },
      { changes: false },
    )
    rig.onClose(() => shards.close())
    await shards.whenVerified()
    lister = new Lister(shards)
    placer = new TimerPlacer(rig.client, rig.prefix, count)
  }

  const query = (given: Partial<TimerQuery> = {}): TimerQuery => ({
    filter: {},
    order: 'asc',
    limit: 100,
    ...given,
  })

  interface Walked {
    readonly timers: readonly TimerRecord[]
    readonly pages: number
  }

  /** All pages, from the first to the last; `between` is done after each. */
  async function walk(given: Partial<TimerQuery> = {}, between = async () => {}): Promise<Walked> {
    const timers: TimerRecord[] = []
    let after: TimerPosition | undefined
    for (let pages = 1; ; pages += 1) {
      const page = await lister.list(query({ ...given, after }))
      expect(page.timers.length).toBeLessThanOrEqual(given.limit ?? 100)
      timers.push(...page.timers)
      if (page.next === undefined) return { timers, pages }
      expect(page.next).not.toEqual(after)
      after = page.next
      await between()
    }
  }

  const ids = ({ timers }: Walked) => timers.map(({ id }) => id)

  /** In the order of the list. */
  function inOrder(timers: readonly PlacedTimer[], order: 'asc' | 'desc' = 'asc'): number[] {
    const sorted = [...timers].sort((a, b) => a.dueAt - b.dueAt || (`${a.id}` < `${b.id}` ? -1 : 1))
    return (order === 'asc' ? sorted : sorted.reverse()).map(({ id }) => id)
  }

  /** One of each kind of place, many times over, at spread due times. */
  const mixed = (count: number, from = 1): PlacedTimer[] =>
    Array.from({ length: count }, (_, index) => ({
      id: from + index,
      dueAt: NOW - HOUR + ((index * 7_919) % 1_000) * 1_000,
      place: PLACES[index % PLACES.length] ?? 'planned',
    }))

  test('of nothing is one empty page', async () => {
    await open()
    expect(await lister.list(query())).toEqual({ timers: [], next: undefined })
  })

  test.each([
    [1, 'asc'],
    [2, 'asc'],
    [3, 'desc'],
    [3, 'asc'],
  ] as const)(
    'walks all timers of %i shards in order (%s), each once, wherever they lie',
    async (shards, order) => {
      await open(shards)
      const timers = mixed(400)
      await placer.putAll(timers)
      const walked = await walk({ order, limit: 37 })
      expect(ids(walked)).toEqual(inOrder(timers, order))
      expect(walked.pages).toBe(Math.ceil(400 / 37))
      for (const { id, status } of walked.timers) {
        expect(status).toBe(STATUS_AT[timers[id - 1]?.place ?? 'planned'])
      }
    },
  )

  test('a page that ends with the last timer has no next one', async () => {
    await open(2)
    await placer.putAll(mixed(50))
    const { timers, next } = await lister.list(query({ limit: 50 }))
    expect(timers).toHaveLength(50)
    expect(next).toBeUndefined()
  })

  test.each([
    [1, 'asc'],
    [3, 'asc'],
    [2, 'desc'],
  ] as const)(
    'a thousand timers of one millisecond, over the edges of pages (%i shards, %s)',
    async (shards, order) => {
      await open(shards)
      const timers = Array.from({ length: 1_000 }, (_, index) => ({
        id: index + 1,
        dueAt: NOW + HOUR,
        place: index % 10 === 0 ? ('fired' as const) : ('planned' as const),
      }))
      await placer.putAll(timers)
      expect(ids(await walk({ order, limit: 7 }))).toEqual(inOrder(timers, order))
    },
  )

  test.each(['asc', 'desc'] as const)(
    'sets of which one is far denser than the other, each longer than a look (%s)',
    async (order) => {
      await open()
      const thin = Array.from({ length: 400 }, (_, index) => ({
        id: index + 1,
        dueAt: NOW - HOUR + index * 5_000,
        place: 'fired' as const,
      }))
      const dense = Array.from({ length: 400 }, (_, index) => ({
        id: index + 1_001,
        dueAt: NOW - HOUR / 2 + index,
        place: 'failed' as const,
      }))
      await placer.putAll([...thin, ...dense])
      expect(ids(await walk({ order, limit: 150 }))).toEqual(inOrder([...thin, ...dense], order))
    },
  )

  test.each(['asc', 'desc'] as const)(
    'a page that needs several looks at shards that are not equally full (%s)',
    async (order) => {
      await open(3)
      const timers = Array.from({ length: 1_000 }, (_, index) => ({
        id: index + 1,
        dueAt: NOW + HOUR + index * (index % 3 === 0 ? 3_000 : 1_000),
        place: 'planned' as const,
      }))
      await placer.putAll(timers)
      const walked = await walk({ order, limit: 1_000 })
      expect(ids(walked)).toEqual(inOrder(timers, order))
      expect(walked.pages).toBe(1)
    },
  )

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

  test('thousands that wait for a retry, or were cancelled, do not make a page short', async () => {
    await open()
    const retries = Array.from({ length: 1_500 }, (_, index) => ({
      id: index + 1,
      dueAt: NOW - HOUR + index,
      place: 'retry' as const,
      wakesAt: NOW + index,
    }))
    const cancelled = Array.from({ length: 1_500 }, (_, index) => ({
      id: index + 2_001,
      dueAt: NOW - 2 * HOUR + index,
      place: 'cancelled' as const,
    }))
    const others = [
      { id: 5_001, dueAt: NOW + 2_000, place: 'planned' },
      { id: 5_002, dueAt: NOW - HOUR, place: 'fired' },
    ] as const
    await placer.putAll([...retries, ...cancelled, ...others])
    const pending = await lister.list(
      query({ filter: { statuses: ['pending'], dueFrom: NOW - HOUR + 1_500 } }),
    )
    expect(pending).toMatchObject({ timers: [{ id: 5_001 }], next: undefined })
    const fired = await lister.list(query({ filter: { statuses: ['fired'] } }))
    expect(fired).toMatchObject({ timers: [{ id: 5_002 }], next: undefined })
  })

  test('hundreds in the hands of workers are all shown', async () => {
    await open()
    const timers = Array.from({ length: 900 }, (_, index) => ({
      id: index + 1,
      dueAt: NOW - index,
      place: index % 3 === 0 ? ('waiting' as const) : ('firing' as const),
    }))
    await placer.putAll(timers)
    expect(ids(await walk({ limit: 70 }))).toEqual(inOrder(timers))
  })

  test('a timer that a worker takes out of its set just before that is looked at is shown', async () => {
    await open()
    const timers = mixed(100).map((timer) => ({ ...timer, place: 'planned' as const }))
    await placer.putAll(timers)
    const moving = timers.find(({ dueAt }) => dueAt > NOW - HOUR + 500_000) as PlacedTimer
    const reads = withScripts(shards.all[0]?.reads as Redis)
    const lookAtHands = reads.timersHands.bind(reads)
    let looks = 0
    reads.timersHands = async (...args) => {
      const found = await lookAtHands(...args)
      looks += 1
      if (looks === 1) await placer.put({ ...moving, place: 'taken' })
      return found
    }
    expect(ids(await walk({ limit: 1_000 }))).toEqual(inOrder(timers))
    expect(looks).toBe(2)
  })

  test('timers of one millisecond, as release 0.1 stored them, are walked through once they are upgraded', async () => {
    await rig.client.set(rig.keys().format, '1')
    await open()
    const timers = Array.from({ length: 20 }, (_, index) => ({
      id: index + 1,
      dueAt: NOW + HOUR,
      place: 'planned' as const,
    }))
    await placer.putAll(timers)
    for (const { id, dueAt } of timers) {
      await rig.client.zadd(rig.keys().key('delayed'), dueAt * 0x1000 + id, `t${id}`)
    }
    await upgradeTimers(shards, rig.log)
    expect(ids(await walk({ limit: 3 }))).toEqual(inOrder(timers))
    expect(ids(await walk({ limit: 3, order: 'desc' }))).toEqual(inOrder(timers, 'desc'))
  })

  test('what stands still is neither skipped nor repeated, whatever fires, is cancelled, moved or created between pages', async () => {
    await open(3)
    const place = fc.constantFrom(...PLACES)
    const due = fc.integer({ min: 0, max: 12 }).map((step) => NOW - 6_000 + step * 1_000)
    const timer = fc.record({ place, dueAt: due })
    await fc.assert(
      fc.asyncProperty(
        fc.array(timer, { minLength: 1, maxLength: 60 }),
        fc.array(fc.array(fc.record({ which: fc.nat(120), to: fc.option(timer) }), { maxLength: 8 }), {
          maxLength: 20,
        }),
        fc.constantFrom('asc' as const, 'desc' as const),
        fc.integer({ min: 1, max: 9 }),
        fc.option(
          fc.constantFrom(
            ['pending'],
            ['pending', 'firing'],
            ['fired', 'failed'],
            ['unknown', 'cancelled', 'expired'],
          ),
        ),
        async (given, changes, order, limit, wanted) => {
          await rig.redis.flush()
          const timers = given.map((each, index) => ({ ...each, id: index + 1 }))
          await placer.putAll(timers)
          const touched = new Set<number>()
          const rounds = [...changes]
          const statuses = wanted as TimerFilter['statuses'] | null
          const walked = await walk(
            { order, limit, filter: statuses === null ? {} : { statuses } },
            async () => {
              for (const { which, to } of rounds.shift() ?? []) {
                touched.add(which + 1)
                if (to === null) await placer.remove(which + 1)
                else await placer.put({ ...to, id: which + 1 })
              }
            },
          )
          const still = timers.filter(
            ({ id, place: at }) => !touched.has(id) && (statuses?.includes(STATUS_AT[at]) ?? true),
          )
          const seen = ids(walked).filter((id) => !touched.has(id))
          expect(seen).toEqual(inOrder(still, order))
        },
      ),
      { numRuns: 40 },
    )
  }, 60_000)
})
