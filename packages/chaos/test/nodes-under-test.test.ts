import { eventually } from '@timers/lab'
import { ClusterUnderTest } from '../src/cluster-under-test.ts'
import type { FaultKind } from '../src/fault-kinds.ts'

describe('the cluster of the experiment', () => {
  let cluster: ClusterUnderTest
  beforeAll(async () => {
    cluster = await ClusterUnderTest.start({ replicas: 1, acks: 1 })
  })
  afterAll(() => cluster.close())

  const play = (kind: FaultKind, lastsMs: number, dice = 0) =>
    cluster.play({ kind, lastsMs, dice, node: 0, atMs: 0, slots: [] })
  /** Writes something that is acknowledged, lets the fault happen, and expects to find it again in each shard. */
  async function keeps(fault: () => Promise<unknown>): Promise<unknown> {
    const keys = Array.from({ length: cluster.shards }, (_, shard) => `timers:{${shard}}:${Math.random()}`)
    for (const key of keys) await cluster.command('SET', key, 'acknowledged')
    const outcome = await fault()
    for (const key of keys) expect(await cluster.command('GET', key)).toBe('acknowledged')
    return outcome
  }

  test('loses a primary for good, and is at full strength after it', async () => {
    const outcome = await keeps(() => play('primary-lost', 0))
    expect(outcome).toMatchObject({ note: expect.stringMatching(/^primary node-0 lost, then node-/) })
    expect(cluster.crashes).toEqual([])
  })

  test('says which shards a fault may cost an outcome, and none where nothing fails over', async () => {
    const failedOver = (await play('failover', 0)) as { shards: number[] }
    expect(failedOver.shards.length).toBeGreaterThan(0)
    expect(failedOver.shards.length).toBeLessThan(cluster.shards)
    expect(await keeps(() => play('slots-move', 100, 0.3))).toMatchObject({ shards: [] })
  })

  test('leaves out what comes while something is broken', async () => {
    const first = play('replica-freeze', 500)
    expect(await play('primary-lost', 0)).toEqual({ isLeftOut: true })
    expect(await first).toMatchObject({ note: expect.stringContaining('replica') })
  })

  test('was away from the shards of a primary for as long as it was frozen and nobody had taken over, and from no others', async () => {
    const from = Date.now()
    const { shards } = (await play('primary-freeze', 3_000)) as { shards: number[] }
    const others = [1, 2, 3, 4, 5, 6, 7, 8].filter((id) => !shards.includes(id - 1))
    const away = (id: number) => cluster.unservedMs(id, from, Date.now()) ?? 0
    await eventually(() => expect(Math.min(...shards.map((shard) => away(shard + 1)))).toBeGreaterThan(1_500))
    // Which a busy machine may have kept from answering, too.
    expect(Math.max(...others.map(away))).toBeLessThan(Math.min(...shards.map((shard) => away(shard + 1))))
  })

  test('each process is cut off from one node alone', async () => {
    const [way] = cluster.waysOf('worker-1', 0)
    expect(way).toBe(cluster.waysOf('worker-1', 0)[0])
    expect(way).not.toBe(cluster.waysOf('worker-2', 0)[0])
    expect(cluster.waysOf('worker-1')).toHaveLength(6)
  })
})
