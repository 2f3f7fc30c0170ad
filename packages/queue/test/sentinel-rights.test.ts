import { eventually, readAclUsers, startTestSentinel, type TestSentinel } from '@timers/lab'
import { redisCommands } from '@timers/local-redis'
import { createRedisTimerStore } from '../src/timers/timer-store.ts'

const [USER] = readAclUsers('sentinel-users.acl')
const SILENT = { debug() {}, info() {}, warn() {}, error() {} }
const SECRET = 'of-the-sentinels'

describe('the rights at the Sentinels that the documents give', () => {
  let sentinel: TestSentinel

  beforeAll(async () => {
    sentinel = await startTestSentinel()
    for (const { port } of sentinel.redis.sentinels) {
      await redisCommands(port, [['ACL', 'SETUSER', 'admin', 'on', `>${SECRET}`, '&*', '+@all']])
    }
    // Sentinels ask one another, too: not as those who only look for the primary.
    await everywhere('SENTINEL', 'CONFIG', 'SET', 'sentinel-user', 'admin')
    await everywhere('SENTINEL', 'CONFIG', 'SET', 'sentinel-pass', SECRET)
    await everywhere('ACL', 'SETUSER', 'default', 'reset', 'on', `>${SECRET}`, ...(USER?.rules ?? []))
  })
  afterAll(() => sentinel.stop())

  function everywhere(...words: string[]): Promise<unknown[]> {
    const ports = sentinel.redis.sentinels.map(({ port }) => port)
    return Promise.all(ports.map((port) => redisCommands(port, [['AUTH', 'admin', SECRET], words])))
  }

  async function refused(): Promise<string> {
    return JSON.stringify(await everywhere('ACL', 'LOG'))
  }

  async function withStore(use: (ready: () => boolean) => Promise<void>): Promise<void> {
    const store = createRedisTimerStore({
      redisUrl: sentinel.url,
      sentinelPassword: SECRET,
      shards: 1,
      log: SILENT,
    })
    try {
      await use(() => store.health().ready)
    } finally {
      await store.close()
    }
  }

  test('are enough', async () => {
    await withStore(async (ready) => {
      await eventually(() => expect(ready()).toBe(true))
      for (const clients of await everywhere('CLIENT', 'LIST')) {
        expect(JSON.stringify(clients)).toMatch(/cmd=sentinel\|/)
      }
    })
    expect(await refused()).not.toMatch(/"object"/)
  })

  test.each(USER?.commands ?? [])('and %s is not to spare', async (right) => {
    await everywhere('ACL', 'SETUSER', 'default', `-${right}`)
    try {
      await withStore(() => eventually(async () => expect(await refused()).toContain(`"object","${right}"`)))
    } finally {
      await everywhere('ACL', 'SETUSER', 'default', `+${right}`)
      await everywhere('ACL', 'LOG', 'RESET')
    }
  })
})
