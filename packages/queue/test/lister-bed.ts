import type { TimerPosition, TimerQuery, TimerRecord } from '@timers/core'
import { Lister } from '../src/index/lister.ts'
import { Shards } from '../src/shards/shards.ts'
import { PLACES, type PlacedTimer, TimerPlacer } from './placed-timers.ts'
import { Rig } from './rig.ts'

export const HOUR = 3_600_000
export const NOW = Date.now()

/** Of the test that runs. */
export let rig: Rig
export let placer: TimerPlacer
export let lister: Lister
export let shards: Shards

/** To be called in a `describe`: a Redis for all of its tests, emptied after each. */
export function useLister(): void {
  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  afterEach(() => rig.reset())
}

/** A lister of so many shards, and what puts timers into them. */
export async function open(count = 1): Promise<void> {
  shards = new Shards(
    { redisUrl: rig.redis.url, shards: count, prefix: rig.prefix, log: rig.log },
    { changes: false },
  )
  rig.onClose(() => shards.close())
  await shards.whenVerified()
  lister = new Lister(shards)
  placer = new TimerPlacer(rig.client, rig.prefix, count)
}

export const query = (given: Partial<TimerQuery> = {}): TimerQuery => ({
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
export async function walk(given: Partial<TimerQuery> = {}, between = async () => {}): Promise<Walked> {
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

export const ids = ({ timers }: Walked) => timers.map(({ id }) => id)

/** In the order of the list. */
export function inOrder(timers: readonly PlacedTimer[], order: 'asc' | 'desc' = 'asc'): number[] {
  const sorted = [...timers].sort((a, b) => a.dueAt - b.dueAt || (`${a.id}` < `${b.id}` ? -1 : 1))
  return (order === 'asc' ? sorted : sorted.reverse()).map(({ id }) => id)
}

/** One of each kind of place, many times over, at spread due times. */
export const mixed = (count: number, from = 1): PlacedTimer[] =>
  Array.from({ length: count }, (_, index) => ({
    id: from + index,
    dueAt: NOW - HOUR + ((index * 7_919) % 1_000) * 1_000,
    place: PLACES[index % PLACES.length] ?? 'planned',
  }))
