import { eventually, readAclUsers } from '@timers/lab'
import { openShardQueues } from '../src/index/shard-queues.ts'
import { grow } from './growth-bed.ts'
import { Rig } from './rig.ts'

const LOOKER = 'timers-dashboard'

describe('more shards, and a process that may only look', () => {
  let rig: Rig
  beforeAll(async () => {
    rig = await Rig.start()
    const { rules = [] } = readAclUsers('users.acl').find(({ name }) => name === LOOKER) ?? {}
    await rig.redis.command('ACL', 'SETUSER', LOOKER, ...rules, `~${rig.prefix}:*`, 'on', 'nopass')
  })
  afterAll(() => rig.close())

  test('is ready also where it is the first to look at the new ones', async () => {
    await rig.store()
    await grow(rig, 4)
    const redisUrl = rig.redis.url.replace('://', `://${LOOKER}:any@`)
    const { prefix, log } = rig
    const queues = openShardQueues({ redisUrl, shards: 1, prefix, log })
    rig.onClose(() => queues.close())
    await eventually(() => {
      expect(queues.queues).toHaveLength(4)
      expect(queues.health().ready).toBe(true)
    })
    expect(rig.heard(/could not be checked/)).toBeUndefined()
  })
})
