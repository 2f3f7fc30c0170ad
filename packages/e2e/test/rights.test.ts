import { eventually, startTestCluster, startTestRedis, startTestSentinel } from '@timers/lab'
import { atInstant } from '../src/changes.ts'
import { loadReleaseData } from '../src/release-data.ts'
import { RightsStage, type Role, USERS, userOf } from './rights-stage.ts'

const SERVICES = ['api', 'worker', 'dashboard'] as const
const ROLES: readonly Role[] = [...SERVICES, 'operator']
/** Commands for administrators: Redis tells nobody that they were used. */
const UNSEEN = ['client|list', 'config|get']

const PATIENCE_MS = 180_000

type Used = Readonly<Record<Role, readonly string[]>>

/** Everything, as users with the rights of deploy/redis/users.acl: what they lack, and what they have and nobody uses, is a failure. */
describe('the rights that the documents give are enough', () => {
  const used: Used[] = []

  async function end(stage: RightsStage): Promise<void> {
    await stage.stopServices()
    expect(await stage.restore()).toEqual({ code: 0, said: expect.stringMatching(/start the services/) })
    expect(await stage.refused()).toEqual([])
    const found = await Promise.all(ROLES.map(async (role) => [role, await stage.used(role)] as const))
    used.push(Object.fromEntries(found) as unknown as Used)
  }

  async function onSingle(): Promise<void> {
    const redis = await startTestRedis()
    const stage = await RightsStage.open({ url: redis.url, nodes: [redis], first: 'api' })
    try {
      await loadReleaseData(redis.port, stage.receiver.port)
      await stage.play(
        async () => {},
        (tour) =>
          tour.taken(async (id) => {
            await redis.command('ZREM', 'timers:{0}:delayed', `t${id}`)
            await redis.command('LPUSH', 'timers:{0}:active', `t${id}`)
          }),
      )
      expect(await stage.refused()).toEqual([])
      for (const role of SERVICES) {
        await stage.without(role, 'config|get', () => stage.cutOff(role))
      }
      await end(stage)
      await stage.without('operator', 'config|get', () => stage.restore())
      await stage.without('operator', 'client|list', async () =>
        expect(await stage.restore()).toEqual({
          code: 1,
          said: expect.stringMatching(/does not let its user run CLIENT LIST \(\+client\|list\)/),
        }),
      )
    } finally {
      await stage.close()
      await redis.stop()
    }
  }

  async function onCluster(): Promise<void> {
    const cluster = await startTestCluster()
    const env = { TIMER_SHARDS: 3, REDIS_REPLICA_ACKS: 1 }
    const stage = await RightsStage.open({
      url: cluster.url,
      nodes: cluster.redis.nodes,
      env,
      first: 'worker',
    })
    try {
      await stage.play(async (tour, dashboardUrl) => {
        const slot = Number(await cluster.redis.nodes[0]?.command('CLUSTER', 'KEYSLOT', '{0}'))
        const owner = await cluster.redis.ownerOf(slot)
        const other = (await cluster.redis.primaries()).find((node) => node !== owner)
        if (other === undefined) throw new Error('there is one primary only')
        const move = await cluster.redis.beginMove([slot], other)
        // All of it is on the other side, and the slot is not: whoever asks is sent on, and scripts wait until it is over.
        while ((await move.step()) > 0);
        await eventually(
          async () => {
            await Promise.allSettled([tour.read(), tour.dashboard(dashboardUrl)])
            for (const role of SERVICES) expect(await stage.used(role)).toContain('asking')
          },
          { timeoutMs: 15_000 },
        )
        await move.finish()
        await tour.few()
      })
      await end(stage)
    } finally {
      await stage.close()
      await cluster.stop()
    }
  }

  async function behindSentinels(): Promise<void> {
    const sentinel = await startTestSentinel()
    const stage = await RightsStage.open({
      url: sentinel.url,
      nodes: sentinel.redis.nodes,
      env: { REDIS_REPLICA_ACKS: 1 },
      first: 'api',
    })
    try {
      await stage.play(async (tour) => {
        await sentinel.redis.failover()
        await sentinel.redis.healthy()
        const [replica] = await sentinel.redis.replicas()
        await tour.few(async (dueAt) => {
          // Claims that are not confirmed are asked for again.
          replica?.freeze()
          await atInstant(dueAt + 2_000, async () => replica?.thaw())
        })
      })
      await end(stage)
    } finally {
      await stage.close()
      await sentinel.stop()
    }
  }

  /** All at once: most of it is waiting. */
  const plays: Promise<void>[] = []
  beforeAll(() => {
    for (const play of [onSingle, onCluster, behindSentinels]) {
      const ended = play()
      ended.catch(() => {})
      plays.push(ended)
    }
  })
  afterAll(() => Promise.allSettled(plays))

  test('on a single Redis, with timers of release 0.1 in it', async () => plays[0], PATIENCE_MS)
  test('on a cluster, while a slot moves', async () => plays[1], PATIENCE_MS)
  test('behind Sentinels, over a failover', async () => plays[2], PATIENCE_MS)

  test.each(ROLES)('and none of those of the %s is to spare', (role) => {
    const all = new Set(used.flatMap((each) => each[role]))
    const { commands = [] } = USERS.find(({ name }) => name === userOf(role)) ?? {}
    expect([...all].sort()).toEqual(commands.filter((name) => !UNSEEN.includes(name)).sort())
  })
})
