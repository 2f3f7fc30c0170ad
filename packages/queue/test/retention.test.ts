import type { TimerDraft } from '@timers/core'
import { eventually } from '@timers/lab'
import { RetentionSweeper } from '../src/consumer/retention.ts'
import { Shards } from '../src/shards/shards.ts'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { leftIn } from './invariants.ts'
import { delivered, fired, Rig, unknown } from './rig.ts'
import { failed, interrupted, rejected } from './states.ts'

const SHARDS = 2
/** The issue names 100,000: `RETENTION_TIMERS=100000`, some minutes. */
const TIMERS = Number(process.env.RETENTION_TIMERS ?? 2_000)
const RECEIVER = 'https://receiver.example/hook'

describe('retention', () => {
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  afterEach(() => rig.reset())

  const keysLeft = async (): Promise<string[]> =>
    (
      await Promise.all(Array.from({ length: SHARDS }, (_, shard) => leftIn(rig.client, rig.keys(shard))))
    ).flat()

  /** Every kind of timer that there is, by its number. */
  function kindOf(index: number): TimerDraft {
    const kind = index % 10
    return {
      url: RECEIVER,
      payload: JSON.stringify({ kind }),
      ...(kind === 6 || kind === 9 ? { delayMs: 3_600_000 } : { delayMs: 1 }),
      ...(index % 2 === 0 && { key: `key-${index % 1_000}-${index}` }),
      ...(index % 3 === 0 && { labels: ['eu', `batch-${index % 7}`] }),
      ...(index % 5 < 2 && {
        callback: { url: `${RECEIVER}/told`, on: ['fired', 'failed', 'unknown', 'cancelled', 'expired'] },
      }),
      ...(kind === 7 && { expiresIn: 1, dueAt: Date.now() - 30_000 }),
      ...(index % 4 === 0 && { owner: 'acme' }),
    } as TimerDraft
  }

  async function createAll(store: RedisTimerStore): Promise<void> {
    for (let from = 0; from < TIMERS; from += 500) {
      const answers = await store.createAll(
        Array.from({ length: Math.min(500, TIMERS - from) }, (_, at) => ({
          draft: kindOf(from + at),
          ...(at % 3 === 1 && { idempotency: { key: `request-${from + at}`, fingerprint: 'print' } }),
        })),
      )
      const later: Promise<unknown>[] = []
      for (const [at, timer] of answers.entries()) {
        if (timer instanceof Error) throw timer
        const ref = { id: timer.id, owner: timer.owner }
        if ((from + at) % 10 === 6) later.push(store.cancel(ref))
        // Changed on its way, in all that it has.
        if ((from + at) % 10 === 9)
          later.push(store.change(ref, { due: { delayMs: 1 }, labels: ['us'], callback: null }))
      }
      await Promise.all(later)
    }
  }

  test(
    `of ${TIMERS} timers of every kind leaves a Redis as empty as it began`,
    async () => {
      const store = await rig.store({ shards: SHARDS })
      const before = await keysLeft()
      await createAll(store)
      // Some expire within a second: nobody may take them before.
      const createdAt = Date.now()
      await eventually(() => expect(Date.now() - createdAt).toBeGreaterThan(1_100))
      const ended: Record<string, number> = {}
      await rig.consumer({
        shards: SHARDS,
        concurrency: 100,
        handle: async (due) => {
          const claim = await due.claim()
          if (claim.kind !== 'granted') return claim.kind === 'finished' ? due.rest() : undefined
          const isCallback = due.timer.callbackOf !== undefined
          const kind = isCallback
            ? (due.timer.callbackOf ?? 0) % 5
            : JSON.parse(due.timer.payload ?? '{}').kind
          const { attempt } = claim
          if (isCallback && kind === 0) return void (await due.settle(attempt, rejected, failed))
          if (kind === 1 && !isCallback) return void (await due.settle(attempt, rejected, failed))
          if (kind === 2 && !isCallback) return void (await due.settle(attempt, interrupted, unknown))
          if (kind === 3 && attempt === 1)
            return void (await due.settle(1, rejected, { kind: 'retry', at: Date.now() }))
          await due.settle(attempt, delivered(), fired)
        },
      })
      const isOver = async (): Promise<void> => {
        let open = 0
        for (let shard = 0; shard < SHARDS; shard += 1) {
          const { key } = rig.keys(shard)
          open +=
            (await rig.client.zcard(key('delayed'))) +
            (await rig.client.llen(key('wait'))) +
            (await rig.client.llen(key('active')))
          for (const status of ['cancelled', 'unknown', 'expired', 'undelivered'])
            ended[status] = (shard === 0 ? 0 : (ended[status] ?? 0)) + (await rig.client.zcard(key(status)))
        }
        expect(open).toBe(0)
      }
      await eventually(isOver, { timeoutMs: 20_000 + TIMERS * 10, intervalMs: 100 })
      expect(Math.min(...Object.values(ended))).toBeGreaterThan(0)
      expect((await keysLeft()).length).toBeGreaterThan(TIMERS)

      const shards = new Shards(
        { redisUrl: rig.redis.url, shards: SHARDS, prefix: rig.prefix, log: rig.log },
        { changes: false },
      )
      rig.onClose(() => shards.close())
      await shards.whenVerified()
      const sweeper = new RetentionSweeper(shards.all, 0, rig.log)
      await eventually(
        async () => {
          await sweeper.sweep()
          expect(await keysLeft()).toEqual(before)
        },
        { timeoutMs: 20_000 + TIMERS },
      )
      expect(before).toEqual([])
    },
    60_000 + TIMERS * 20,
  )
})
