import { eventually, startTestCluster, type TestCluster } from '@timers/lab'
import { type Shard, Shards } from '../src/shards/shards.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }

describe('what tells of a shard whose node is another one, and the first one again', () => {
  let cluster: TestCluster
  let shards: Shards
  let shard: Shard

  beforeAll(async () => {
    cluster = await startTestCluster({ primaries: 1, replicas: 1 })
    shards = new Shards({ redisUrl: cluster.url, shards: 1, log }, { changes: true })
    shard = shards.all[0] as Shard
    await eventually(() => expect(shard.verified).toBe(true))
  })
  afterAll(async () => {
    shards.close()
    await cluster.stop()
  })

  async function failOver(): Promise<void> {
    const before = shard.node
    await cluster.redis.failover(await cluster.redis.ownerOfKey(shard.keys.key('x')))
    await cluster.redis.healthy()
    await eventually(() => expect(shard.verified && shard.node !== before).toBe(true), { timeoutMs: 10_000 })
  }

  /** Both connections to the node, and what was under way over them. */
  async function cutOff(): Promise<void> {
    const { losses = 0 } = shard.node ?? {}
    const primary = await cluster.redis.ownerOfKey(shard.keys.key('x'))
    await primary.command('CLIENT', 'KILL', 'TYPE', 'normal')
    await eventually(() => expect(shard.node?.losses).toBeGreaterThan(losses))
    await eventually(() => expect(shard.verified).toBe(true))
  }

  test('its connection is no earlier one: ids in hand may be of before', async () => {
    const seen = [shard.connection]
    for (let times = 0; times < 2; times += 1) {
      await failOver()
      seen.push(shard.connection)
    }
    expect(new Set(seen).size).toBe(3)
  })

  test('how often commands may have been sent again never goes down: one that was would be told as not done', async () => {
    await cutOff()
    const { losses } = shard
    await failOver()
    expect(shard.losses).toBeGreaterThanOrEqual(losses)
  })
})
