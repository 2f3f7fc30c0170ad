import { eventually } from '@timers/lab'
import { RetentionSweeper } from '../src/consumer/retention.ts'
import { Shards } from '../src/shards/shards.ts'
import { createKinds, EVENTS, handleKinds, lookAfter } from './finished-kinds.ts'
import { leftIn } from './invariants.ts'
import { Rig } from './rig.ts'

const SHARDS = 2
const TIMERS = Number(process.env.RETENTION_TIMERS ?? 100_000)
const ENDS = ['completed', 'failed', 'cancelled', 'unknown', 'expired', 'undelivered'] as const

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

  async function sizeOf(...names: string[]): Promise<number> {
    const keys = Array.from({ length: SHARDS }, (_, shard) => names.map(rig.keys(shard).key)).flat()
    const sizes = await Promise.all(
      keys.map((key) => (/:(wait|active)$/.test(key) ? rig.client.llen(key) : rig.client.zcard(key))),
    )
    return sizes.reduce((a, b) => a + b)
  }

  const allEnded = () =>
    eventually(async () => expect(await sizeOf('delayed', 'wait', 'active')).toBe(0), {
      timeoutMs: 20_000 + TIMERS * 10,
      intervalMs: 100,
    })

  test(
    `of ${TIMERS} timers of every kind leaves a Redis as empty as it began`,
    async () => {
      const store = await rig.store({ shards: SHARDS, events: EVENTS })
      const before = await keysLeft()
      await createKinds(store, TIMERS)
      // Some expire within a second: nobody may take them before.
      const createdAt = Date.now()
      await eventually(() => expect(Date.now() - createdAt).toBeGreaterThan(1_100))
      const handle = handleKinds()
      for (let worker = 0; worker < 2; worker += 1)
        await rig.consumer({ shards: SHARDS, concurrency: 200, events: EVENTS, handle })
      await allEnded()
      await lookAfter(store)
      await allEnded()
      for (const end of ENDS) expect([end, await sizeOf(end)]).not.toEqual([end, 0])
      expect((await keysLeft()).length).toBeGreaterThan(TIMERS)

      const shards = new Shards(
        { redisUrl: rig.redis.url, shards: SHARDS, prefix: rig.prefix, log: rig.log },
        { changes: false },
      )
      rig.onClose(() => shards.close())
      await shards.whenVerified()
      const sweeper = new RetentionSweeper(shards, 0, rig.log)
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
