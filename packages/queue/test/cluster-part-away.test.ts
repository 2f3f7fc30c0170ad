import { eventually, timed } from '@timers/lab'
import { oldestOverdue } from '../src/consumer/overdue.ts'
import { RetentionSweeper } from '../src/consumer/retention.ts'
import { Shards } from '../src/shards/shards.ts'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { ClusterBed, keysOfShards, SHARDS, shardOfTimer } from './cluster-bed.ts'
import { ClusterLoad, lasting } from './cluster-load.ts'
import { draft } from './rig.ts'

const HOUR = 3_600_000

/** No replicas: what is away stays away. */
describe('one of three primaries is away', () => {
  let bed: ClusterBed

  beforeAll(async () => {
    bed = await ClusterBed.start({ replicas: 0 })
  })
  afterAll(() => bed.close())
  afterEach(async () => {
    for (const node of bed.cluster.redis.nodes) {
      node.thaw()
      await node.start()
    }
    await bed.cluster.redis.healthy()
    await bed.reset()
  })

  async function victim() {
    const owners = await Promise.all(keysOfShards.map(({ key }) => bed.cluster.redis.ownerOfKey(key('x'))))
    const node = owners[0] as (typeof owners)[number]
    return { node, shards: owners.flatMap((owner, shard) => (owner === node ? [shard] : [])) }
  }

  const create = (store: RedisTimerStore, count: number, delayMs = HOUR) =>
    Promise.all(Array.from({ length: count }, () => store.create(draft(delayMs))))

  test('killed: creates go where they can, the rest says what is away, and health names the node', async () => {
    const store = await bed.store()
    const timers = await create(store, 2 * SHARDS)
    const { node, shards } = await victim()
    await node.kill()
    await eventually(() => expect(store.health().problems).toHaveLength(2))
    // Of every n-th create none fails.
    const after = await create(store, 2 * SHARDS)
    expect(after.filter(({ id }) => shards.includes(shardOfTimer(id)))).toEqual([])

    const { ready, problems } = store.health()
    expect(ready).toBe(true)
    expect(problems[0]).toBe(`127.0.0.1:${node.port}: Redis cannot be reached`)
    expect(problems[1]).toContain(`shards that no node of the cluster serves: ${shards.join(', ')}`)
    expect(store.shardsPerNode()?.unserved).toEqual(shards)

    const finds = await timed(() =>
      Promise.allSettled(timers.map(async ({ id }) => ({ id, found: await store.find(id) }))),
    )
    for (const [at, find] of finds.value.entries()) {
      if (!shards.includes(shardOfTimer(timers[at]?.id ?? 0))) expect(find.status).toBe('fulfilled')
      else expect(find).toMatchObject({ reason: { code: 'STORE_UNAVAILABLE', message: /this timer/ } })
    }
    expect(finds.tookMs).toBeLessThan(2_000)
    // What cannot be whole does not pretend to be.
    const notWhole = { code: 'STORE_UNAVAILABLE', message: expect.stringMatching(/would not be whole/) }
    await expect(store.list({ filter: {}, order: 'asc', limit: 10 })).rejects.toMatchObject(notWhole)
    await expect(store.stats()).rejects.toMatchObject(notWhole)

    await eventually(() =>
      expect(bed.heard('warn')).toEqual([expect.stringMatching(/^shards are not served/)]),
    )
    await node.start()
    await eventually(() => expect(store.health()).toMatchObject({ ready: true, problems: [] }), {
      timeoutMs: 20_000,
    })
    expect(await store.find(timers[0]?.id ?? 0)).toMatchObject({ status: 'pending' })
  })

  test('frozen: timers of the others fire in time, and its own when it is back', async () => {
    const load = await ClusterLoad.start(bed)
    const { node, shards } = await victim()
    const { tookMs } = await lasting(async () => {
      node.freeze()
      await eventually(() => expect(bed.heard('warn').join()).toMatch(/shards are not served/), {
        timeoutMs: 10_000,
      })
      node.thaw()
      await bed.cluster.redis.healthy()
    })
    await load.everyShardFires()
    await load.verdict(tookMs, shards)
  })

  test('frozen: watchdog and sweeper do the rest of their work', async () => {
    const store = await bed.store()
    const timers = await create(store, 2 * SHARDS, 1)
    await Promise.all(timers.map(({ id }) => store.cancel(id)))
    await create(store, 2 * SHARDS, 1)
    const options = { redisUrl: bed.cluster.url, shards: SHARDS, log: bed.log }
    const shards = new Shards(options, { changes: false })
    bed.onClose(async () => shards.close())
    await eventually(() => expect(shards.all.every(({ verified }) => verified)).toBe(true))
    const { node, shards: away } = await victim()
    node.freeze()

    const overdue = await timed(() => oldestOverdue(shards.all, Date.now() + 1_000))
    expect(away).not.toContain(shardOfTimer(overdue.value?.id ?? 0))
    expect(overdue.value).toBeDefined()
    expect(overdue.tookMs).toBeLessThan(1_700)

    const kept = timers.filter(({ id }) => away.includes(shardOfTimer(id)))
    const sweeper = new RetentionSweeper(shards, 0, bed.log)
    expect(await sweeper.sweep()).toBe(timers.length - kept.length)
    node.thaw()
    await bed.cluster.redis.healthy()
    await eventually(async () => {
      await sweeper.sweep()
      expect(await store.find(kept[0]?.id ?? 0)).toBeUndefined()
    })
  })
})
