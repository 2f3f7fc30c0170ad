import type { TimerFilter } from '@timers/core'
import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { withScripts } from '../src/index/scripts.ts'
import { HOUR, ids, inOrder, mixed, NOW, open, placer, rig, shards, useLister, walk } from './lister-bed.ts'
import { PLACES, type PlacedTimer, STATUS_AT } from './placed-timers.ts'

describe('the list of timers', () => {
  useLister()

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
