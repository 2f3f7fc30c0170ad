import { Growth } from '../src/shards/growth.ts'
import { operator } from './growth-bed.ts'
import { Rig } from './rig.ts'

/** From Redis 7.2 on WAIT speaks of writes only: replicas confirmed at once what another command had written. */
describe('a step of adding shards that somebody has done before is itself a write', () => {
  let rig: Rig
  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  afterEach(() => rig.reset())

  const changes = async () =>
    Number(/rdb_changes_since_last_save:(\d+)/.exec(await rig.client.info('persistence'))?.[1])

  test.each(['shard 0: its numbers end', 'shard 1: follows'])('up to "%s"', async (begin) => {
    const growUpTo = async () => {
      const tell = (step: string) => {
        if (step.startsWith(begin)) throw new Error('killed')
      }
      const growth = new Growth(await operator(rig), { readByAllMs: 0, tell })
      const before = await changes()
      await expect(growth.grow(2)).rejects.toThrow('killed')
      return (await changes()) - before
    }
    await growUpTo()
    expect(await growUpTo()).toBe(1)
  })
})
