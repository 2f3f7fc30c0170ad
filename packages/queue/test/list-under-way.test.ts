import { type DueTimer, TIMER_STATUSES, type TimerPosition } from '@timers/core'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { delivered, draft, fired, Rig } from './rig.ts'

const HOUR = 3_600_000
const STILL = 100
const MOVING = 200

/** With the commands themselves, and a worker, all at work while pages are read. */
describe('lists while timers are created, changed, cancelled, fired and retried', () => {
  let rig: Rig
  let store: RedisTimerStore
  let created = 0

  beforeAll(async () => {
    rig = await Rig.start()
    store = await rig.store({ shards: 2 })
  })
  afterAll(() => rig.close())

  /** Every third is sent, every third is given back by its receiver, every third fails and waits for a retry. */
  async function handle(due: DueTimer): Promise<void> {
    const kind = due.timer.id % 3
    if (kind === 1) return due.defer(Date.now() + 30, 'receiver_limit')
    const claim = await due.claim()
    if (claim.kind === 'early') return due.defer(claim.at)
    if (claim.kind !== 'granted') return due.rest()
    await due.settle(
      claim.attempt,
      kind === 0 ? delivered() : { outcome: 'never_sent', sentAt: Date.now() },
      kind === 0 ? fired : { kind: 'retry', at: Date.now() + 40 },
    )
  }

  test('each walk is in order, and shows those that stand still once', async () => {
    const still = new Set<number>()
    for (let index = 0; index < STILL; index += 1) {
      const dueAt = Date.now() + (index % 2 === 0 ? HOUR : 200 + index * 10)
      const { id } = await store.create({ ...draft(0), dueAt, labels: ['still'] })
      // Finished ones stand still too, among those that are at work.
      if (index % 2 === 1) await store.cancel(id)
      still.add(id)
    }
    const moving: number[] = []
    for (let index = 0; index < MOVING; index += 1) {
      moving.push((await store.create(draft(index * 10))).id)
    }
    const consumer = await rig.consumer({ shards: 2, handle })
    let turn = 0
    const disturb = async () => {
      for (let times = 0; times < 4; times += 1) {
        turn += 1
        const id = moving[(turn * 37) % moving.length] ?? 0
        const ways = [
          () => store.cancel(id),
          () => store.change(id, { due: { delayMs: (turn % 7) * 400 } }),
          () => store.fire(id),
          async () => void moving.push((await store.create(draft(turn % 2_000))).id),
        ]
        await ways[turn % ways.length]?.().catch(() => {})
      }
    }

    for (const order of ['asc', 'desc'] as const) {
      const seen: { id: number; dueAt: number }[] = []
      let after: TimerPosition | undefined
      do {
        const [page] = await Promise.all([store.list({ filter: {}, order, limit: 20, after }), disturb()])
        seen.push(...page.timers)
        after = page.next
      } while (after !== undefined)
      const mine = seen.filter(({ id }) => still.has(id))
      expect(mine).toHaveLength(STILL)
      expect(new Set(mine.map(({ id }) => id)).size).toBe(STILL)
      const dueTimes = seen.map(({ dueAt }) => dueAt)
      expect(dueTimes).toEqual([...dueTimes].sort((a, b) => (order === 'asc' ? a - b : b - a)))
    }
    expect(turn).toBeGreaterThan(50)
    await consumer.stop()
    created = STILL + moving.length
  })

  test('counts agree with lists when all has come to rest', async () => {
    const shards = await store.stats()
    let all = 0
    for (const status of TIMER_STATUSES) {
      const found: number[] = []
      let after: TimerPosition | undefined
      do {
        const page = await store.list({ filter: { statuses: [status] }, order: 'asc', limit: 50, after })
        found.push(...page.timers.map(({ id }) => id))
        after = page.next
      } while (after !== undefined)
      const counted = shards.reduce((sum, { counts }) => sum + counts[status], 0)
      expect([status, new Set(found).size, found.length]).toEqual([status, counted, counted])
      all += counted
    }
    expect(all).toBe(created)
    for (const status of ['pending', 'fired', 'cancelled'] as const) {
      expect(shards.some(({ counts }) => counts[status] > 0)).toBe(true)
    }
  })
})
