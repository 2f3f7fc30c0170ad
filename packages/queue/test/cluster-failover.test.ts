import { eventually } from '@timers/lab'
import { ClusterBed, keysOfShards } from './cluster-bed.ts'
import { ClusterLoad, lasting } from './cluster-load.ts'

describe('a primary that fails while timers are created and fire', () => {
  let bed: ClusterBed

  beforeAll(async () => {
    bed = await ClusterBed.start({ network: true, replicaAcks: 1 })
  })
  afterAll(() => bed.close())
  afterEach(async () => {
    await bed.cluster.redis.healthy()
    await bed.reset()
  })

  /** A primary that has shards, with its replicas. */
  async function victim() {
    const { redis } = bed.cluster
    const owners = await Promise.all(keysOfShards.map(({ key }) => redis.ownerOfKey(key('x'))))
    const primary = owners[0] as (typeof owners)[number]
    const shards = owners.flatMap((owner, shard) => (owner === primary ? [shard] : []))
    return { primary, shards, replicas: await redis.replicasOf(primary) }
  }

  async function verdict(load: ClusterLoad, downMs: number, down?: readonly number[]): Promise<void> {
    await load.everyShardFires()
    await load.verdict(downMs, down)
    expect(bed.said.filter(({ level, message }) => level === 'error' && !/^unsafe/.test(message))).toEqual([])
  }

  test('planned, each primary after the other: every shard goes on', async () => {
    const load = await ClusterLoad.start(bed)
    let longest = 0
    for (const primary of await bed.cluster.redis.primaries()) {
      const { tookMs } = await lasting(async () => {
        await bed.cluster.redis.failover(primary)
        await bed.cluster.redis.healthy()
      })
      longest = Math.max(longest, tookMs)
      await load.everyShardFires()
    }
    await verdict(load, longest)
  })

  test('killed, and back as a replica', async () => {
    const load = await ClusterLoad.start(bed)
    const { redis } = bed.cluster
    const { primary, replicas, shards } = await victim()
    const { tookMs } = await lasting(async () => {
      await primary.kill()
      await redis.successorOf(primary, replicas)
      await primary.start()
      await redis.healthy()
    })
    await verdict(load, tookMs, shards)
    // One warning of the shards, and no line for each connection and command.
    const away = bed.said.filter(({ message }) => /^shards are not served/.test(message))
    expect(away.length).toBeLessThanOrEqual(2)
    expect(bed.heard('warn', 'info').filter((message) => /connection/.test(message))).toEqual([])
  })

  test('frozen, and back as a replica', async () => {
    const load = await ClusterLoad.start(bed)
    const { redis } = bed.cluster
    const { primary, replicas, shards } = await victim()
    const { tookMs } = await lasting(async () => {
      primary.freeze()
      await redis.successorOf(primary, replicas)
      primary.thaw()
      await redis.healthy()
    })
    await verdict(load, tookMs, shards)
  })

  test('cut off from the other nodes and not from clients: who has taken over serves, though it still claims its slots', async () => {
    const store = await bed.store()
    const load = await ClusterLoad.start(bed, store)
    const { network, redis } = bed.cluster
    const { primary, replicas, shards } = await victim()
    const nodeOfFirst = () => store.shardsPerNode()?.nodes.find(({ shards }) => shards.includes(0))?.node
    const { tookMs } = await lasting(async () => {
      network.isolate([primary])
      const heir = await redis.successorOf(primary, replicas)
      await eventually(() => expect(nodeOfFirst()).toBe(`127.0.0.1:${heir.clientPort}`), { timeoutMs: 1_000 })
      expect(String(await primary.command('CLUSTER', 'NODES'))).toMatch(/myself,master [^\n]* \d+-\d+/)
      network.heal()
      await eventually(async () => expect(await primary.role()).toBe('replica'), { timeoutMs: 20_000 })
      await redis.healthy()
    })
    await verdict(load, tookMs, shards)
  })
})
