import { eventually, startTestRedis, timed } from '@timers/lab'
import { stablePort } from '@timers/local-redis'
import { ClusterBed, SHARDS } from './cluster-bed.ts'
import { draft } from './rig.ts'

const HOUR = 3_600_000
const USER = { name: 'timers', password: 's3cret', rules: ['~*', '&*', '+@all'] }

describe('a cluster that a process is told of', () => {
  let bed: ClusterBed

  beforeAll(async () => {
    bed = await ClusterBed.start({ user: USER, replicas: 1 })
  })
  afterAll(() => bed.close())
  afterEach(() => bed.reset())

  const urlOf = (ports: readonly number[], login = 'timers:s3cret@') =>
    `redis+cluster://${login}${ports.map((port) => `127.0.0.1:${port}`).join()}`

  test('by nodes that are all replicas', async () => {
    const { redis } = bed.cluster
    const primaries = await redis.primaries()
    const replicas = redis.nodes.filter((node) => !primaries.includes(node))
    const store = bed.newStore(urlOf(replicas.map(({ port }) => port)))
    await eventually(() => expect(store.health()).toMatchObject({ ready: true, problems: [] }))
    const { id } = await store.create(draft(HOUR))
    expect(await store.find(id)).toMatchObject({ status: 'pending' })
    // Which of them is meant, in each line that a check of a node writes.
    const verified = bed.said.filter(({ message }) => message.startsWith('redis verified'))
    const named = verified.map(({ fields }) => (fields as { node?: string }).node)
    expect(named.sort()).toEqual(primaries.map(({ port }) => `127.0.0.1:${port}`).sort())
  })

  test('by one of its nodes, beside two where nobody listens', async () => {
    const store = bed.newStore(
      urlOf([await stablePort(), await stablePort(), bed.cluster.redis.nodes[0]?.port ?? 0]),
    )
    await eventually(() => expect(store.health()).toMatchObject({ ready: true, problems: [] }))
    expect(store.shardsPerNode()?.nodes.flatMap(({ shards }) => shards)).toHaveLength(SHARDS)
    // Once, for all shards and nodes.
    expect(bed.heard('info').filter((message) => message === 'shards of each primary')).toHaveLength(1)
  })

  test('and of fewer shards than it has primaries: what to write', async () => {
    const store = bed.newStore(bed.cluster.url, 1)
    await eventually(() => expect(store.health().ready).toBe(true))
    expect(store.shardsPerNode()?.advice).toMatch(/^1 shard cannot use 3 primaries: \d+ would be/)
    expect(bed.heard('warn')).toEqual([expect.stringMatching(/unevenly: 1 shard .*TIMER_SHARDS=/)])
  })

  test.each([1, 64])(
    'and TIMER_SHARDS is %i and not what Redis has: nothing is said of those that it names',
    async (wanted) => {
      await (await bed.store()).close()
      bed.said.length = 0
      const store = bed.newStore(bed.cluster.url, wanted)
      await eventually(() => expect(bed.heard('info')).toContain('shards of each primary'))
      expect(store.health().ready).toBe(true)
      const { fields } = bed.said.find(({ message }) => message === 'shards of each primary') ?? {}
      const counts = Object.values((fields as { shards: Record<string, number> }).shards)
      expect(counts.reduce((sum, count) => sum + count)).toBe(SHARDS)
      expect(bed.heard('warn')).toEqual([expect.stringMatching(/^timers live in 16 shards/)])
      expect(store.health().advice.filter((each) => /\bshards?\b/.test(each))).toEqual(bed.heard('warn'))
    },
  )

  test('with a wrong password: it says so, and quotes nothing', async () => {
    const ports = bed.cluster.redis.nodes.map(({ port }) => port)
    const store = bed.newStore(urlOf(ports, 'timers:wr0ng@'))
    await eventually(() =>
      expect(store.health()).toMatchObject({
        ready: false,
        problems: ['Redis refuses the user or password in REDIS_URL'],
      }),
    )
    expect(JSON.stringify(bed.said)).not.toContain('wr0ng')
    // Not a line for each node and try.
    expect(bed.heard('warn').length).toBeLessThanOrEqual(2)
  })

  test('and is a single Redis: the process ends with what to write', async () => {
    const single = await startTestRedis()
    bed.onClose(() => single.stop())
    const store = bed.newStore(urlOf([single.port], ''))
    expect(await store.failed).toMatchObject({
      code: 'WRONG_REDIS',
      message: expect.stringContaining('write redis:// instead of redis+cluster://'),
    })
  })

  test('and of which nobody can be reached: answers in time, and a shutdown that ends', async () => {
    const nobody = urlOf([await stablePort(), await stablePort()])
    const store = bed.newStore(nobody)
    const { tookMs } = await timed(() =>
      expect(store.create(draft(HOUR))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' }),
    )
    expect(tookMs).toBeLessThan(2_000)
    const consumer = bed.newConsumer({ redisUrl: nobody, handle: async () => {} })
    void consumer.start()
    const ended = await timed(async () => {
      await consumer.stop()
      await store.close()
    })
    expect(ended.tookMs).toBeLessThan(2_000)
  })

  test('and goes away whole while a consumer runs: a shutdown ends all the same, and nothing of it goes on', async () => {
    // Those that keep a process alive.
    const timers = () => process.getActiveResourcesInfo().filter((each) => /Timeout|TCP/.test(each)).length
    const before = timers()
    const other = await ClusterBed.start({ replicas: 0 })
    try {
      const store = await other.store()
      const consumer = await other.consumer({ handle: async () => {} })
      await other.cluster.redis.kill()
      await eventually(() => expect(store.health().ready).toBe(false))
      const ended = await timed(async () => {
        await consumer.stop()
        await store.close()
      })
      // BullMQ is not waited for longer than its hands are empty (ADR 5).
      expect(ended.tookMs).toBeLessThan(4_000)
    } finally {
      await other.close()
    }
    // BullMQ's waits of six seconds are over by then.
    await eventually(() => expect(timers()).toBeLessThanOrEqual(before), { timeoutMs: 10_000 })
  })
})
