import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { eventually, redisCommand, startTestSentinel, type TestSentinel } from '../src/index.ts'

const USER = { name: 'timers', password: 's3cret', rules: ['~*', '&*', '+@all'] }

describe('startTestSentinel', () => {
  let sentinels: TestSentinel | undefined

  afterEach(async () => {
    await sentinels?.stop()
    sentinels = undefined
  })

  test('Sentinels over TLS name a primary over TLS, which lets in the user of the URL', async () => {
    sentinels = await startTestSentinel({ tls: true, user: USER })
    const { caFile = '', redis, url } = sentinels
    expect(url).toMatch(
      /^rediss\+sentinel:\/\/timers:s3cret@127\.0\.0\.1:\d+,127\.0\.0\.1:\d+,127\.0\.0\.1:\d+\/timers$/,
    )
    const [sentinelPort = ''] = /\d+(?=,)/.exec(url) ?? []
    const run = async (...args: string[]) =>
      (await promisify(execFile)('redis-cli', ['--no-auth-warning', '--tls', '--cacert', caFile, ...args]))
        .stdout
    const login = ['--user', USER.name, '-a', USER.password]
    const [, port = ''] = (
      await run('-p', sentinelPort, ...login, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'timers')
    ).split('\n')
    expect(port).toBe(String((await redis.primary()).clientPort))
    expect(await run('-p', port, ...login, 'SET', 'key', 'value')).toBe('OK\n')
    const heir = await redis.failover()
    expect(await run('-p', String(heir.clientPort), ...login, 'GET', 'key')).toBe('value\n')
  })

  test('a primary that is cut off from replica and Sentinels goes on with its clients, and what they write there is lost', async () => {
    sentinels = await startTestSentinel({ network: true })
    const { network, redis } = sentinels
    const old = await redis.primary()
    network.isolate([old])
    const heir = await redis.successorOf(old)
    expect(await redisCommand(old.clientPort, ['SET', 'key', 'written while cut off'])).toBe('OK')
    expect(await redisCommand(heir.clientPort, ['SET', 'key', 'by the heir'])).toBe('OK')
    network.heal()
    // Sentinel lets a node that says something else than it should have its way for eight seconds.
    await eventually(async () => expect(await old.role()).toBe('replica'), { timeoutMs: 20_000 })
    await eventually(async () => expect(await old.command('GET', 'key')).toBe('by the heir'), {
      timeoutMs: 10_000,
    })
  })

  test('a replica lags, and clients of its primary do not', async () => {
    sentinels = await startTestSentinel({ network: true, minReplicasToWrite: 1 })
    const { network, redis } = sentinels
    const primary = await redis.primary()
    network.to(primary).replicas.setDelay(500)
    const acks = async (timeoutMs: number) =>
      (
        await primary.commands([
          ['INCR', 'key'],
          ['WAIT', '1', String(timeoutMs)],
        ])
      )[1]
    expect(await acks(100)).toBe(0)
    expect(await acks(5_000)).toBe(1)
    expect(await redisCommand(primary.clientPort, ['GET', 'key'], 500)).toBe('2')
  })
})
