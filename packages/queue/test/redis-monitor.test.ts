import { eventually } from '@timers/lab'
import { Redis } from 'ioredis'
import { connect } from '../src/nodes/redis-client.ts'
import { RedisMonitor } from '../src/nodes/redis-monitor.ts'
import { draft, Rig } from './rig.ts'

const HOUR = 3_600_000

describe('the watch over Redis', () => {
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  afterEach(async () => {
    await rig.redis.command('CONFIG', 'SET', 'requirepass', '')
    await rig.redis.command('ACL', 'SETUSER', 'default', '+@all', 'nopass')
    await rig.reset()
  })

  function watch(url = rig.redis.url): RedisMonitor {
    const reader = connect({ kind: 'single', url }, 'reader', rig)
    const hooks = { check: async () => {}, verified() {}, unfit() {} }
    const monitor = new RedisMonitor(reader, hooks, rig.log, { checkEveryMs: 50 })
    rig.onClose(() => {
      monitor.stop()
      reader.disconnect()
    })
    return monitor
  }

  test('a check that failed on a connection that stands closed the store for ten seconds', async () => {
    const monitor = watch()
    await eventually(() => expect(monitor.verified).toBe(true))
    await rig.redis.command('ACL', 'SETUSER', 'default', '-time')
    await eventually(() => expect(monitor.health().ready).toBe(false))
    expect(monitor.health().problems).toEqual([expect.stringMatching(/run TIME \(\+time\)/)])
    // Whoever asks Redis itself still gets answers.
    expect(monitor.verified).toBe(true)
    await rig.redis.command('ACL', 'SETUSER', 'default', '+time')
    await eventually(() => expect(monitor.health()).toMatchObject({ ready: true }))
  })

  test('a Redis that is busy with a script was told as one that forbids INFO', async () => {
    const monitor = watch()
    await eventually(() => expect(monitor.verified).toBe(true))
    await rig.redis.command('CONFIG', 'SET', 'busy-reply-threshold', '20')
    const busy = new Redis(rig.redis.url)
    const looping = busy.eval('while true do end', 0).catch((error: Error) => error.message)
    try {
      await eventually(() =>
        expect(monitor.health().problems).toEqual([expect.stringMatching(/^Redis is busy with a script/)]),
      )
    } finally {
      await rig.redis.command('SCRIPT', 'KILL')
      expect(await looping).toMatch(/killed/i)
      busy.disconnect()
    }
    await eventually(() => expect(monitor.health()).toMatchObject({ ready: true, problems: [] }))
  })

  test.each([
    ['no password', '', 'Redis wants a password: set it in REDIS_URL'],
    ['a wrong password', ':wrong-password@', 'Redis refuses the user or password in REDIS_URL'],
    ['a user that is not there', 'nobody:wrong-password@', 'Redis refuses the user or password in REDIS_URL'],
  ])('%s was told as "cannot be reached", and was in the log', async (_name, login, problem) => {
    await rig.redis.command('CONFIG', 'SET', 'requirepass', 'right-password')
    const client = new Redis(`redis://default:right-password@127.0.0.1:${rig.redis.port}`)
    try {
      const store = rig.newStore({ redisUrl: `redis://${login}127.0.0.1:${rig.redis.port}` })
      await eventually(() => expect(store.health()).toMatchObject({ ready: false, problems: [problem] }))
      await expect(store.create(draft(HOUR))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
      expect(JSON.stringify(rig.said)).not.toContain('wrong-password')
    } finally {
      await client.config('SET', 'requirepass', '')
      client.disconnect()
    }
  })
})
