import { eventually } from '@timers/lab'
import { allFired, RECOVERY, rig, schedule, statuses, store, useConsumerBed } from './consumer-bed.ts'
import { firing } from './firing.ts'
import { delivered, draft, fired } from './rig.ts'

describe('the timer consumer', () => {
  useConsumerBed()

  describe('takes over within 15 s', () => {
    test('what a worker that is gone held: fired if it was not claimed, unknown if it was', async () => {
      const [one, other] = await schedule(2)
      const unclaimed = await rig.take(6_000)
      const claimed = await rig.take(6_000)
      await claimed.due.claim()
      expect([unclaimed.due.timer.id, claimed.due.timer.id].toSorted()).toEqual(
        [one?.id, other?.id].toSorted(),
      )
      const sent: number[] = []
      await rig.consumer({
        handle: firing(({ timer }) => {
          sent.push(timer.id)
          return delivered()
        }),
      })
      await eventually(
        async () =>
          expect(await statuses([unclaimed.due.timer, claimed.due.timer])).toEqual(['fired', 'unknown']),
        RECOVERY,
      )
      expect(sent).toEqual([unclaimed.due.timer.id])
      // Said by the one that looks for lost ones, who need not be the one that took them.
      await eventually(() => expect(rig.heard(/taking over a timer whose worker was lost/)).toBeDefined())
      // The lost worker comes back with what it knows.
      await claimed.due.settle(1, delivered(), fired)
      await eventually(async () => expect(await rig.places(claimed.due.timer.id)).toEqual(['completed']))
    })

    test('what its own handler threw at, or could not put back: neither lost nor failed', async () => {
      const thrown = await store.create(draft(1))
      const stuck = await store.create(draft(1))
      const first = new Set<number>()
      await rig.consumer({
        handle: async (due) => {
          const { id } = due.timer
          if (first.has(id)) return firing()(due)
          first.add(id)
          if (id === thrown.id) throw new Error('a bug')
          // No time at all: the script fails, and waiting would not help.
          return due.defer(Number.NaN)
        },
      })
      await eventually(() => expect(first.size).toBe(2))
      await eventually(() =>
        expect(rig.said.filter(({ message }) => /could not be handled/.test(message))).toHaveLength(2),
      )
      expect(rig.heard(/could not be handled/)?.level).toBe('error')
      expect(await statuses([thrown, stuck])).toEqual(['pending', 'pending'])
      expect([await rig.places(thrown.id), await rig.places(stuck.id)]).toEqual([['active'], ['active']])
      await allFired([thrown, stuck], RECOVERY)
    })
  })
})
