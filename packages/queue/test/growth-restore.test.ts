import { restoreTimers } from '../src/restore/restore.ts'
import { Growth } from '../src/shards/growth.ts'
import { grow, knows, operator, plain } from './growth-bed.ts'
import { Rig } from './rig.ts'

describe('a backup that was made while shards were being added', () => {
  let rig: Rig
  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  afterEach(() => rig.reset())

  async function backup(): Promise<Map<string, Buffer>> {
    const kept = new Map<string, Buffer>()
    for (const key of await rig.client.keys('*')) kept.set(key, (await rig.client.dumpBuffer(key)) as Buffer)
    return kept
  }

  /** As after a stop of everything: no service is connected. */
  async function restore(kept: ReadonlyMap<string, Buffer>): Promise<void> {
    await rig.reset()
    for (const [key, value] of kept) await rig.client.restore(key, 0, value)
    const options = { redisUrl: rig.redis.url, shards: 1, prefix: rig.prefix, log: rig.log }
    await restoreTimers(options, Date.now() - 1_000)
  }

  test.each(['shard 0: its numbers end', 'shard 0: recorded layout 1', 'shard 1: follows'])(
    'at "%s": no id comes again that was handed out since',
    async (end) => {
      const before = await plain(await rig.store(), 4)
      const tell = (step: string) => {
        if (step.startsWith(end)) throw new Error('killed')
      }
      const growth = new Growth(await operator(rig), { readByAllMs: 0, tell })
      await expect(growth.grow(2)).rejects.toThrow('killed')
      const kept = await backup()
      await grow(rig, 2)
      const store = await rig.store()
      await knows(store, 2)
      const since = await plain(store, 20)

      await restore(kept)
      await grow(rig, 2)
      const now = await rig.store()
      await knows(now, 2)
      const after = await plain(now, 20)
      expect(after.filter((id) => since.includes(id))).toEqual([])
      for (const id of [...before, ...after]) expect((await now.find(id))?.id).toBe(id)
    },
  )
})
