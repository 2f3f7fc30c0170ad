import { eventually } from '@timers/lab'
import { delivered, draft, fired, Rig } from './rig.ts'

const HOUR = 3_600_000

describe('a change', () => {
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())

  test('to an earlier time fires on time while the worker sleeps until a later one', async () => {
    const store = await rig.store()
    const seen = new Map<number, number>()
    await rig.consumer({
      handle: async (due) => {
        const claim = await due.claim()
        if (claim.kind !== 'granted') return
        seen.set(due.timer.id, Date.now())
        await due.settle(claim.attempt, delivered(), fired)
      },
    })
    const other = await store.create(draft(HOUR / 2))
    const timers = await Promise.all(Array.from({ length: 5 }, () => store.create(draft(HOUR))))
    for (const { id } of timers) {
      const moved = await store.change(id, { due: { delayMs: 300 } })
      await eventually(() => expect(seen.has(id)).toBe(true))
      const lateMs = (seen.get(id) ?? 0) - (moved?.dueAt ?? 0)
      expect(lateMs).toBeGreaterThanOrEqual(0)
      expect(lateMs).toBeLessThan(250)
    }
    expect((await store.find(other.id))?.status).toBe('pending')
  })
})
