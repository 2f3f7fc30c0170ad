import { eventually, startTestCluster, type TestCluster } from '@timers/lab'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { NodesRig } from './nodes-rig.ts'
import { draft } from './rig.ts'

const HOUR = 3_600_000

type NodeOfTest = TestCluster['redis']['nodes'][number]

describe('replicas of the node that a command went to in the end', () => {
  let cluster: TestCluster
  let rig: NodesRig
  let store: RedisTimerStore

  beforeAll(async () => {
    // Nobody takes a node for gone, whatever stands still here.
    cluster = await startTestCluster({ primaries: 2, nodeTimeoutMs: 60_000 })
  })
  afterAll(() => cluster.stop())
  beforeEach(async () => {
    rig = new NodesRig({ redisUrl: cluster.url, replicaAcks: 1 })
    store = await rig.store()
    await store.create(draft(HOUR))
  })
  afterEach(async () => {
    for (const node of cluster.redis.nodes) node.thaw()
    await rig.close()
  })

  /** Moves the only shard to the other primary; gives the replicas of its old and its new one. */
  async function move(freeze: 'old' | 'new'): Promise<void> {
    const slot = await cluster.redis.slotOf('{0}')
    const from = await cluster.redis.ownerOf(slot)
    const to = (await cluster.redis.primaries()).find((node) => node !== from) as NodeOfTest
    const [replica] = await cluster.redis.replicasOf(freeze === 'old' ? from : to)
    await cluster.redis.moveSlots([slot], to)
    replica?.freeze()
  }

  test('a create that was redirected asked those of the node that it left', async () => {
    await move('old')
    expect(await store.create(draft(HOUR))).toMatchObject({ id: expect.any(Number) })
  })

  test('a create that was redirected is refused where those of the new node do not have it', async () => {
    await move('new')
    await expect(store.create(draft(HOUR))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    for (const node of cluster.redis.nodes) node.thaw()
    await eventually(() => store.create(draft(HOUR)))
  })

  test('creates while a slot is on its way are acknowledged once it has arrived', async () => {
    const slot = await cluster.redis.slotOf('{0}')
    const from = await cluster.redis.ownerOf(slot)
    const to = (await cluster.redis.primaries()).find((node) => node !== from) as NodeOfTest
    const slotMove = await cluster.redis.beginMove([slot], to)
    const creates = Array.from({ length: 10 }, () => store.create(draft(HOUR)))
    const answers = Promise.allSettled(creates)
    await slotMove.finish()
    for (const answer of await answers) {
      if (answer.status === 'rejected') throw answer.reason
      expect(await store.find(answer.value.id)).toMatchObject({ status: 'pending' })
    }
  })
})
