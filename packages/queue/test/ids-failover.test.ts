import {
  eventually,
  startTestCluster,
  startTestSentinel,
  type TestCluster,
  type TestSentinel,
} from '@timers/lab'
import { Growth } from '../src/shards/growth.ts'
import { type RedisOptions, type Shard, Shards } from '../src/shards/shards.ts'
import { createRedisTimerStore } from '../src/timers/timer-store.ts'
import { HOUR } from './growth-bed.ts'
import { draft } from './rig.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }
/** So long that nothing arrives before the primary is gone. */
const LAG_MS = 20_000

describe('ids over a failover that loses the tail, without waiting for replicas', () => {
  let closers: (() => unknown)[] = []
  afterEach(() => {
    for (const close of closers.splice(0)) close()
  })

  async function open(options: Omit<RedisOptions, 'log'>): Promise<Shards> {
    const shards = new Shards({ ...options, log }, { changes: true })
    closers = [...closers, () => shards.close()]
    await eventually(() => expect(shards.all.every(({ verified }) => verified)).toBe(true), {
      timeoutMs: 10_000,
    })
    return shards
  }

  /** As a create does, over and over until it works. */
  const take = (shard: Shard, count: number): Promise<number[]> =>
    eventually(() => shard.takeIds(count), { timeoutMs: 15_000 })

  async function expectNoneTwice(
    processes: readonly Shard[],
    loseTail: () => Promise<unknown>,
    late: () => Promise<Shard>,
  ): Promise<void> {
    const ids: number[] = []
    const takeAll = async (shards: readonly Shard[]) => {
      for (const shard of shards)
        ids.push(...(await take(shard, 250)), await eventually(() => shard.nextId()))
    }
    await takeAll(processes)
    await loseTail()
    const before = ids.length
    // One that has seen nothing of what was handed out before.
    await takeAll([await late(), ...processes])
    expect(new Set(ids).size).toBe(ids.length)
    // By its jump alone: the server has not heard of the last blocks.
    expect(ids[before]).toBeGreaterThan(1_000_000)
  }

  describe('of a cluster', () => {
    let cluster: TestCluster
    beforeAll(async () => {
      cluster = await startTestCluster({ network: true })
    })
    afterAll(() => cluster.stop())

    const SHARDS = 4
    const options = (more: Partial<RedisOptions> = {}) => ({
      redisUrl: cluster.url,
      shards: SHARDS,
      prefix: 'ids',
      ...more,
    })

    test('a block of ids waits for replicas where changes do', async () => {
      const shards = await open(options({ prefix: 'acks', replicaAcks: 1 }))
      const [shard] = shards.all as [Shard]
      await shard.nextId()
      const [replica] = await cluster.redis.replicasOf(await cluster.redis.ownerOfKey('acks:{0}:ids'))
      replica?.freeze()
      await expect(shard.takeIds(200)).rejects.toThrow(/NOTCONFIRMED|timed out/)
      replica?.thaw()
      await take(shard, 200)
    })

    test('no id comes twice when a primary is killed whose replica lags', async () => {
      const own = [(await open(options())).all[1], (await open(options())).all[1]] as Shard[]
      const owner = await cluster.redis.ownerOfKey('ids:{1}:ids')
      const heirs = await cluster.redis.replicasOf(owner)
      const loseTail = async () => {
        await owner.kill()
        await cluster.redis.successorOf(owner, heirs)
      }
      network(owner).setDelay(LAG_MS)
      await expectNoneTwice(own, loseTail, async () => (await open(options())).all[1] as Shard)
      network(owner).setDelay(0)
      await owner.start()
      await cluster.redis.healthy()
    })

    test('shards are added across a planned failover and a killed primary', async () => {
      const prefix = 'grown'
      const redis = { redisUrl: cluster.url, prefix, shards: 2, log }
      const stores = [createRedisTimerStore(redis), createRedisTimerStore(redis)]
      closers = [...closers, ...stores.map((store) => () => void store.close())]
      for (const store of stores) await eventually(() => store.create(draft(HOUR)), { timeoutMs: 10_000 })
      const ids: number[] = []
      const create = async () => {
        for (const store of stores)
          ids.push(await eventually(async () => (await store.create(draft(HOUR))).id, { timeoutMs: 10_000 }))
      }
      const killed = await cluster.redis.ownerOfKey('grown:{1}:ids')
      const heirs = await cluster.redis.replicasOf(killed)
      const faults: Readonly<Record<string, () => Promise<unknown>>> = {
        'shard 0: recorded layout 1': async () =>
          cluster.redis.failover(await cluster.redis.ownerOfKey('grown:{0}:ids')),
        'shard 4: follows': async () => {
          await killed.kill()
          await cluster.redis.successorOf(killed, heirs)
        },
      }
      const tell = async (step: string) => {
        await create()
        const fault = Object.keys(faults).find((begin) => step.startsWith(begin))
        if (fault !== undefined) await faults[fault]?.()
        await create()
      }
      await new Growth(await open(options({ prefix, shards: 2 })), { tell, readByAllMs: 100 }).grow(6)
      await eventually(async () => expect(await stores[0]?.stats()).toHaveLength(6), { timeoutMs: 10_000 })
      for (let n = 0; n < 12; n += 1) await create()
      expect(new Set(ids).size).toBe(ids.length)
      for (const store of stores) {
        for (const id of ids) {
          await eventually(async () => expect((await store.find(id))?.id).toBe(id), { timeoutMs: 10_000 })
        }
      }
      await killed.start()
    })

    const network = (node: Parameters<TestCluster['network']['to']>[0]) => cluster.network.to(node).replicas
  })

  describe('under Sentinels', () => {
    let sentinels: TestSentinel
    beforeAll(async () => {
      sentinels = await startTestSentinel({ network: true })
    })
    afterAll(() => sentinels.stop())

    test('no id comes twice when a primary is killed whose replica lags', async () => {
      const options = { redisUrl: sentinels.url, shards: 1, prefix: 'ids' }
      const own = [(await open(options)).all[0], (await open(options)).all[0]] as Shard[]
      const primary = await sentinels.redis.primary()
      sentinels.network.to(primary).replicas.setDelay(LAG_MS)
      const loseTail = async () => {
        await primary.kill()
        await sentinels.redis.successorOf(primary)
      }
      await expectNoneTwice(own, loseTail, async () => (await open(options)).all[0] as Shard)
    })
  })
})
