import { eventually } from '@timers/lab'
import { Redis } from 'ioredis'
import { shardKeys } from '../src/shards/shard-keys.ts'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { ClusterBed, SHARDS, shardOfTimer } from './cluster-bed.ts'
import { ClusterLoad, lasting } from './cluster-load.ts'
import { draft } from './rig.ts'

const HOUR = 3_600_000

describe('slots that move while timers are created and fire', () => {
  let bed: ClusterBed

  beforeAll(async () => {
    bed = await ClusterBed.start()
  })
  afterAll(() => bed.close())
  afterEach(() => bed.reset())

  const slotOfShard = (shard: number) => bed.cluster.redis.slotOf(shardKeys('timers', shard).key('x'))
  const slotsOfShards = () => Promise.all(Array.from({ length: SHARDS }, (_, shard) => slotOfShard(shard)))

  /** A primary that does not have the slot. */
  async function other(slot: number) {
    const owner = await bed.cluster.redis.ownerOf(slot)
    const target = (await bed.cluster.redis.primaries()).find((node) => node !== owner)
    if (target === undefined) throw new Error('there is one primary only')
    return target
  }

  /** Timers of one shard. */
  async function createIn(store: RedisTimerStore, shard: number, count: number): Promise<number[]> {
    const ids: number[] = []
    while (ids.length < count) {
      const { id } = await store.create(draft(HOUR))
      if (shardOfTimer(id) === shard) ids.push(id)
    }
    return ids
  }

  test('a script ends in the middle on a slot that moves, and does nothing at all once told of a key that never exists', async () => {
    const store = await bed.store()
    const [kept = 0, gone = 0] = await createIn(store, 0, 2)
    const { key } = shardKeys('timers', 0)
    const slot = await slotOfShard(0)
    const owner = await bed.cluster.redis.ownerOf(slot)
    const target = await other(slot)
    const move = await bed.cluster.redis.beginMove([slot], target)
    await owner.command(
      ...['MIGRATE', '127.0.0.1', String(target.port), '', '0', '5000', 'KEYS', key(`t${gone}`)],
    )
    const redis = new Redis(owner.port)
    try {
      // A write to a key that is there, and a look at one that is not there any more.
      const script = `redis.call('HSET', KEYS[1], 'half', 'done') return redis.call('HGETALL', '${key(`t${gone}`)}')`
      await expect(redis.eval(script, 1, key(`t${kept}`))).rejects.toThrow(/non local key/)
      expect(await redis.hget(key(`t${kept}`), 'half')).toBe('done')
      await redis.hdel(key(`t${kept}`), 'half')
      await expect(redis.eval(script, 2, key(`t${kept}`), key('never'))).rejects.toThrow(/^(ASK|TRYAGAIN)/)
      expect(await redis.hget(key(`t${kept}`), 'half')).toBeNull()
      // So do ours: each waits until the slot has moved.
      const cancelling = Promise.all([store.cancel(kept), store.cancel(gone)])
      await move.finish()
      expect(await cancelling).toMatchObject([{ status: 'cancelled' }, { status: 'cancelled' }])
    } finally {
      redis.disconnect()
      await move.finish()
    }
  })

  test('all shards move to other primaries and back: nothing is lost, doubled or refused', async () => {
    const load = await ClusterLoad.start(bed)
    const { redis } = bed.cluster
    let longest = 0
    for (const slot of [...(await slotsOfShards()), ...(await slotsOfShards())]) {
      const target = await other(slot)
      const { tookMs } = await lasting(() => redis.moveSlots([slot], target))
      longest = Math.max(longest, tookMs)
    }
    await load.everyShardFires()
    await load.verdict(longest)
    expect(load.failures).toEqual([])
    expect(bed.heard('warn', 'error')).toEqual([])
  })

  /** Timers are created and fire while the slot of a shard stands half moved, for as long as `meanwhile` takes. */
  async function standsHalfMoved(keys: number, meanwhile: (load: ClusterLoad) => Promise<void>) {
    const load = await ClusterLoad.start(bed)
    const slot = await slotOfShard(3)
    const target = await other(slot)
    const { tookMs } = await lasting(async () => {
      const move = await bed.cluster.redis.beginMove([slot], target)
      await move.step(keys)
      await meanwhile(load)
      await move.finish()
    })
    await load.everyShardFires()
    await load.verdict(tookMs, [3])
  }

  test('a slot that stands half moved for a moment: its shard waits, the others go on, and nothing is half done', async () => {
    await standsHalfMoved(3, async (load) => {
      const before = load.made
      // Creates of the shard wait, those of the others go on until each creator has come to it.
      await eventually(() => expect(load.made).toBeGreaterThan(before + 20))
    })
    expect(bed.heard('error')).toEqual([])
  })

  test('a slot that stands half moved for longer than a client waits: 503 within two seconds, and nothing is lost', async () => {
    await standsHalfMoved(1, (load) => eventually(() => expect(load.failures.length).toBeGreaterThan(0)))
  })

  test('a slot that belongs to nobody: creates there are refused within two seconds, it is back as soon as somebody has it, and nothing is lost', async () => {
    const load = await ClusterLoad.start(bed)
    const slot = await slotOfShard(3)
    const owner = await bed.cluster.redis.ownerOf(slot)
    const { tookMs } = await lasting(async () => {
      await owner.command('CLUSTER', 'DELSLOTS', String(slot))
      await eventually(() => expect(load.failures.length).toBeGreaterThan(0))
      await owner.command('CLUSTER', 'ADDSLOTS', String(slot))
    })
    await load.everyShardFires()
    await load.verdict(tookMs, [3])
  })

  test('a node is added and takes a part of the shards, and is removed again', async () => {
    const store = await bed.store()
    const load = await ClusterLoad.start(bed, store)
    const { redis } = bed.cluster
    const slots = (await slotsOfShards()).slice(0, 6)
    const node = await redis.addNode()
    const there = await lasting(() => redis.moveSlots(slots, node))
    await load.everyShardFires()
    await eventually(() => {
      const nodes = store.shardsPerNode()?.nodes ?? []
      expect(nodes.find((each) => each.node.endsWith(`:${node.port}`))?.shards).toEqual([0, 1, 2, 3, 4, 5])
    })
    const back = await lasting(() => redis.removeNode(node))
    await load.everyShardFires()
    await load.verdict(Math.max(there.tookMs, back.tookMs))
    await eventually(() => expect(store.health()).toMatchObject({ ready: true, problems: [] }))
    expect(store.shardsPerNode()?.nodes).toHaveLength(3)
    expect(bed.heard('error')).toEqual([])
    // Not a line a command, nor one a connection.
    expect(bed.heard('info', 'warn').filter((message) => /moved/.test(message)).length).toBeLessThan(20)
  })

  test('a server forgets all scripts: they are told again, and nobody notices', async () => {
    const load = await ClusterLoad.start(bed)
    for (const node of await bed.cluster.redis.primaries()) await node.command('SCRIPT', 'FLUSH', 'SYNC')
    await load.everyShardFires()
    await load.verdict()
    expect(load.failures).toEqual([])
    expect(bed.heard('warn', 'error')).toEqual([])
  })
})
