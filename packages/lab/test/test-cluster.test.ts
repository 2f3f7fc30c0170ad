import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { type ClusterNode, redisCommands } from '@timers/local-redis'
import { eventually, redisCommand, startTestCluster, type TestCluster } from '../src/index.ts'

const USER = {
  name: 'timers',
  password: 's3cret',
  rules: ['~timers:*', '+@all', '-@dangerous', '+cluster|slots'],
}

/** redis-cli as a client of the cluster that follows redirections; what it prints, errors too. */
async function redisCli(...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)('redis-cli', ['--no-auth-warning', ...args])
  return `${stdout}${stderr}`.trim()
}

describe('startTestCluster', () => {
  let cluster: TestCluster | undefined

  afterEach(async () => {
    await cluster?.stop()
    cluster = undefined
  })

  test('only the user of the URL gets in, over TLS with a CA of its own, on every node', async () => {
    cluster = await startTestCluster({ tls: true, user: USER })
    const { caFile = '', redis, url } = cluster
    expect(url).toMatch(/^rediss\+cluster:\/\/timers:s3cret@127\.0\.0\.1:\d+,(127\.0\.0\.1:\d+,?){5}$/)
    const [port = ''] = /\d+(?=,)/.exec(url) ?? []
    const tls = ['--tls', '--cacert', caFile, '-c', '-p', port]
    const login = ['--user', USER.name, '-a', USER.password]
    // Three keys of three primaries: clients are sent on to ports for TLS too.
    const keys = ['timers:{a}', 'timers:{b}', 'timers:{c}']
    const owners = await Promise.all(keys.map((key) => redis.ownerOfKey(key)))
    expect(new Set(owners).size).toBe(3)
    for (const key of keys) expect(await redisCli(...tls, ...login, 'SET', key, 'x')).toContain('OK')
    expect(await redisCli(...tls, ...login, 'SET', 'other', 'x')).toContain('NOPERM')
    expect(await redisCli(...tls, 'GET', keys[0] ?? '')).toContain('NOAUTH')
    await expect(redisCli('--tls', '-p', port, ...login, 'PING')).rejects.toThrow('certificate')
    const [first] = owners
    if (first !== undefined) await redis.failover(first)
    expect(await redisCli(...tls, ...login, 'GET', keys[0] ?? '')).toContain('x')
  })

  test('a replica lags, and clients of its primary do not', async () => {
    cluster = await startTestCluster({ network: true })
    const { network, redis } = cluster
    const owner = await redis.ownerOfKey('key')
    const [replica] = await redis.replicasOf(owner)
    const copies = async (timeoutMs: number) => {
      const [, acks] = await owner.commands([
        ['INCR', 'key'],
        ['WAIT', '1', String(timeoutMs)],
      ])
      return acks
    }
    expect(await copies(5_000)).toBe(1)
    network.to(owner).replicas.setDelay(500)
    const startedAt = performance.now()
    expect(await redisCommand(owner.clientPort, ['GET', 'key'])).toBe('1')
    expect(performance.now() - startedAt).toBeLessThan(500)
    expect(await copies(100)).toBe(0)
    expect(await copies(5_000)).toBe(1)
    expect(await replica?.isInStep()).toBe(true)
    network.to(owner).replicas.setDelay(0)
    await network.to(owner).clients.setMode('blackhole')
    await expect(redisCommand(owner.clientPort, ['GET', 'key'], 100)).rejects.toThrow('No answer')
    expect(await copies(5_000)).toBe(1)
    await redis.flush()
    expect(await owner.command('DBSIZE')).toBe(0)
  })

  test('a primary that is cut off from the other nodes goes on with its clients, until one has taken over and it is back', async () => {
    cluster = await startTestCluster({ network: true })
    const { network, redis } = cluster
    const old = await redis.ownerOfKey('key')
    const heirs = await redis.replicasOf(old)
    const write = () => redisCommand(old.clientPort, ['SET', 'key', 'written while cut off'])
    network.isolate([old])
    const heir = await redis.successorOf(old, heirs)
    await expect(write()).rejects.toThrow(/CLUSTERDOWN/)
    expect(await redisCommand(heir.clientPort, ['SET', 'key', 'by the heir'])).toBe('OK')
    network.heal()
    await redis.healthy()
    expect(await old.role()).toBe('replica')
    await eventually(async () =>
      expect(await old.commands([['READONLY'], ['GET', 'key']])).toContain('by the heir'),
    )
  })

  test('processes that log in as users of their own are cut off one by one', async () => {
    cluster = await startTestCluster({ network: true, primaries: 1, replicas: 0, clients: ['one', 'two'] })
    const { network, redis } = cluster
    const [node] = redis.nodes as [ClusterNode]
    const ask = (user: string) => redisCommands(node.clientPort, [['auth', user, 'any'], ['PING']], 300)
    await network.to(node).client('one').setMode('blackhole')
    await expect(ask('one')).rejects.toThrow('No answer')
    expect(await ask('two')).toEqual(['OK', 'PONG'])
    expect(await redisCommand(node.clientPort, ['PING'])).toBe('PONG')
    await network.to(node).client('one').setMode('forward')
    expect(await ask('one')).toEqual(['OK', 'PONG'])
  })

  test('takes its data away, and what is stopped is gone', async () => {
    cluster = await startTestCluster({ primaries: 2, replicas: 0 })
    const { redis } = cluster
    const pids = redis.nodes.map(({ pid = 0 }) => pid)
    expect(pids).toHaveLength(2)
    await cluster.stop()
    expect(existsSync(redis.dataDir)).toBe(false)
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })
})
