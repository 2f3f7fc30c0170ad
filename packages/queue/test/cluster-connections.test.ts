import { eventually } from '@timers/lab'
import { openShardQueues } from '../src/index/shard-queues.ts'
import { ClusterBed } from './cluster-bed.ts'

/** The connections of this test's process: those of nodes and of the laboratory have no such name. */
const OURS = /\bname=timers-(\w+)/

interface Counts {
  readonly reader: number
  readonly producer: number
  /** That take, claim and record. */
  readonly worker: number
  /** That wait for timers to be due. */
  readonly waiting: number
}

const NOTHING: Counts = { reader: 0, producer: 0, worker: 0, waiting: 0 }

describe.each([3, 6])('connections to %i primaries', (primaries) => {
  let bed: ClusterBed

  beforeAll(async () => {
    bed = await ClusterBed.start({ primaries, replicas: 0 })
  })
  afterAll(() => bed.close())
  afterEach(() => bed.reset())

  /** Of each primary. */
  async function counted(): Promise<Counts[]> {
    const lists = await Promise.all(bed.cluster.redis.nodes.map((node) => node.command('CLIENT', 'LIST')))
    return lists.map((list) => {
      const counts = { ...NOTHING }
      for (const line of String(list).split('\n')) {
        const [, name] = OURS.exec(line) ?? []
        if (name === undefined) continue
        const kind = /\bcmd=bzpopmin/.test(line) ? 'waiting' : (name as keyof Counts)
        counts[kind] += 1
      }
      return counts
    })
  }

  /** How many shards each primary has, in the order of the nodes. */
  function shardsOf(spread: ReturnType<Awaited<ReturnType<ClusterBed['store']>>['shardsPerNode']>): number[] {
    return bed.cluster.redis.nodes.map(
      ({ port }) => spread?.nodes.find(({ node }) => node.endsWith(`:${port}`))?.shards.length ?? 0,
    )
  }

  test.each([1, 4, 16, 64])('%i shards: an API has two to each that has shards', async (shards) => {
    const store = await bed.store(shards)
    const expected = shardsOf(store.shardsPerNode()).map((count) =>
      count > 0 ? { ...NOTHING, reader: 1, producer: 1 } : NOTHING,
    )
    // Those that were asked where the shards are go as soon as others tell.
    await eventually(async () => expect(await counted()).toEqual(expected))
  })

  test.each([1, 4, 16, 64])(
    '%i shards: a worker has two to each, and one that waits for each shard',
    async (shards) => {
      const consumer = await bed.consumer({ shards, handle: async () => {} })
      // One shard has four of BullMQ's Workers: they ramp up together.
      const waits = shards === 1 ? 4 : 1
      await eventually(
        async () => {
          const perNode = shardsOf(consumer.shardsPerNode())
          const expected = perNode.map((count) =>
            count > 0 ? { ...NOTHING, reader: 1, worker: 1, waiting: count * waits } : NOTHING,
          )
          expect(await counted()).toEqual(expected)
        },
        { timeoutMs: 10_000 },
      )
    },
  )

  test.each([1, 64])(
    '%i shards: a dashboard has one to each, and one more for the board once somebody looks at it',
    async (shards) => {
      const queues = openShardQueues({ redisUrl: bed.cluster.url, shards, log: bed.log })
      bed.onClose(() => queues.close())
      const expectReaders = (reader: number) =>
        eventually(async () => {
          const spread = queues.shardsPerNode()
          expect(spread?.unserved).toEqual([])
          expect(await counted()).toEqual(
            shardsOf(spread).map((count) => (count > 0 ? { ...NOTHING, reader } : NOTHING)),
          )
        })
      await expectReaders(1)
      await eventually(() => Promise.all(queues.queues.map((queue) => queue.getJobCounts())))
      await expectReaders(2)
    },
  )
})
