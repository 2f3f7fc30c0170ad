import { eventually, startTestRedis, type TestRedis } from '@timers/lab'
import { Redis } from 'ioredis'
import { inspectRedis } from '../src/nodes/redis-inspection.ts'
import { Rig } from './rig.ts'

describe('inspectRedis', () => {
  let redis: TestRedis
  let client: Redis

  async function connect(extraArgs: readonly string[] = [], user = ''): Promise<void> {
    redis = await startTestRedis({ extraArgs })
    if (user !== '') await redis.command('ACL', 'SETUSER', 'limited', 'on', '>pw', '~*', ...user.split(' '))
    // No ready check: it warns on the console where INFO is forbidden.
    const url = user === '' ? redis.url : redis.url.replace('redis://', 'redis://limited:pw@')
    client = new Redis(url, { retryStrategy: () => null, enableReadyCheck: false })
    client.on('error', () => {})
  }

  afterEach(async () => {
    client.disconnect()
    await redis.stop()
  })

  test('has nothing to say about the Redis of this repository', async () => {
    await connect()
    const askedAt = Date.now()
    const { findings, version, clockSkewMs } = await inspectRedis(client)
    expect(findings).toEqual([])
    expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    // One machine, one clock: it is no more out than the question was on its way.
    expect(Math.abs(clockSkewMs)).toBeLessThanOrEqual(Date.now() - askedAt + 1)
  })

  test('tells of everything that is unsafe or slow, and what to set', async () => {
    const slow = [
      '--appendfsync',
      'everysec',
      '--hz',
      '10',
      '--timeout',
      '60',
      '--hash-max-listpack-value',
      '64',
    ]
    await connect(['--appendonly', 'no', '--maxmemory-policy', 'allkeys-lru', ...slow])
    const { findings } = await inspectRedis(client)
    expect(findings.map(({ severity, message }) => `${severity}: ${message.split(' (')[0]}`)).toEqual([
      'unsafe: appendonly is no: set it to yes',
      'unsafe: maxmemory-policy is allkeys-lru: set it to noeviction',
      'advice: appendfsync is everysec: set it to always',
      'advice: hz is 10: set it to 500',
      'advice: hash-max-listpack-value is 64: set it to 1024',
      'advice: timeout is 60: set it to 0',
    ])
  })

  test('a replica is unsafe', async () => {
    await connect()
    await client.config('SET', 'replica-read-only', 'no')
    await client.replicaof('127.0.0.1', '1')
    const { findings } = await inspectRedis(client)
    expect(findings).toEqual([
      { severity: 'unsafe', message: expect.stringContaining('is a slave, not a primary') },
    ])
  })

  test('where CONFIG is forbidden it gives advice on what INFO does not tell, and does not fail', async () => {
    await connect([], '+@all -config')
    const { findings } = await inspectRedis(client)
    expect(findings).toEqual(
      ['appendfsync is always', 'hash-max-listpack-value is 1024', 'timeout is 0'].map((wish) => ({
        severity: 'advice',
        message: wish.replace(' is ', ' cannot be read from this Redis: make sure that it is '),
      })),
    )
  })

  test('a hosted Redis that evicts was not told of, because it forbids CONFIG', async () => {
    await connect(['--maxmemory-policy', 'volatile-lru', '--appendonly', 'no'], '+@all -config')
    const { findings } = await inspectRedis(client)
    expect(findings).toContainEqual({
      severity: 'unsafe',
      message: expect.stringMatching(/^maxmemory-policy is volatile-lru: set it to noeviction/),
    })
    // It may keep a log of another kind.
    expect(findings).toContainEqual({
      severity: 'advice',
      message: 'appendonly cannot be read from this Redis: make sure that it is yes',
    })
  })

  test('where INFO is forbidden it says what to allow, and does not fail', async () => {
    await connect([], '+@all -info')
    const { findings, version } = await inspectRedis(client)
    expect(findings).toEqual([
      { severity: 'unsafe', message: expect.stringMatching(/^INFO is forbidden here: allow it/) },
    ])
    expect(version).toBe('unknown')
  })
})

describe('a store on a Redis that is not safe', () => {
  test('is not ready, says why once, and is ready as soon as it is set right', async () => {
    const rig = await Rig.start({ extraArgs: ['--maxmemory-policy', 'allkeys-lru'] })
    try {
      const store = rig.newStore()
      await eventually(() =>
        expect(store.health()).toMatchObject({
          ready: false,
          problems: [expect.stringMatching(/noeviction/)],
        }),
      )
      expect(rig.heard(/unsafe redis: maxmemory-policy/)?.level).toBe('error')
      await rig.redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
      await eventually(() => expect(store.health().ready).toBe(true), { timeoutMs: 15_000 })
      expect(rig.said.filter(({ level }) => level === 'error')).toHaveLength(1)
    } finally {
      await rig.close()
    }
  })
})
