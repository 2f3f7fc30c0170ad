import { eventually, startTcpProxy } from '@timers/lab'
import { RetentionSweeper } from '../src/consumer/retention.ts'
import { Shards } from '../src/shards/shards.ts'
import { createKinds, EVENTS, handleKinds, lookAfter } from './finished-kinds.ts'
import { leftIn } from './invariants.ts'
import { draft, Rig } from './rig.ts'

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

  const keysLeft = async (shards = SHARDS): Promise<string[]> =>
    (
      await Promise.all(Array.from({ length: shards }, (_, shard) => leftIn(rig.client, rig.keys(shard))))
    ).flat()

  async function sweeper(shards: number, redisUrl = rig.redis.url): Promise<RetentionSweeper> {
    const all = new Shards({ redisUrl, shards, prefix: rig.prefix, log: rig.log }, { changes: false })
    rig.onClose(() => all.close())
    await all.whenVerified()
    return new RetentionSweeper(all.all, 0, rig.log)
  }

  async function sizeOf(...names: string[]): Promise<number> {
    const keys = Array.from({ length: SHARDS }, (_, shard) => names.map(rig.keys(shard).key)).flat()
    const sizes = await Promise.all(
      keys.map((key) => (/:(wait|active)$/.test(key) ? rig.client.llen(key) : rig.client.zcard(key))),
    )
    return sizes.reduce((a, b) => a + b)
  }

  const allEnded = () =>
    eventually(async () => expect(await sizeOf('delayed', 'wait', 'active')).toBe(0), {
      timeoutMs: 20_000 + TIMERS * 2,
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

      const retention = await sweeper(SHARDS)
      await eventually(
        async () => {
          await retention.sweep()
          expect(await keysLeft()).toEqual(before)
        },
        { timeoutMs: 20_000 + TIMERS },
      )
      expect(before).toEqual([])
    },
    60_000 + TIMERS * 5,
  )

  test('waited for Redis a hundred times in each step where timers had two keys each', async () => {
    const shards = 4
    const store = await rig.store({ shards })
    const made = await store.createAll(
      Array.from({ length: 200 }, (_, index) => ({
        draft: { ...draft(60_000), key: `own-${index}` },
        idempotency: { key: `again-${index}`, fingerprint: 'print' },
      })),
    )
    await Promise.all(made.map((timer) => 'id' in timer && store.cancel(timer.id)))
    const proxy = await startTcpProxy({ targetPort: rig.redis.port })
    rig.onClose(() => proxy.close())
    const retention = await sweeper(shards, `redis://127.0.0.1:${proxy.port}`)
    proxy.setDelay(25)
    const startedAt = performance.now()
    expect(await retention.sweep()).toBe(200)
    expect(performance.now() - startedAt).toBeLessThan(4_000)
    expect(await keysLeft(shards)).toEqual([])
  })
})
