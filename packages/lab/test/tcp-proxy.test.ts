import { setTimeout as sleep } from 'node:timers/promises'
import {
  eventually,
  redisCommand,
  startTcpProxy,
  startTestRedis,
  type TcpProxy,
  type TestRedis,
} from '../src/index.ts'

describe('startTcpProxy', () => {
  let redis: TestRedis
  let proxy: TcpProxy

  beforeAll(async () => {
    redis = await startTestRedis()
  })
  afterAll(() => redis.stop())

  beforeEach(async () => {
    proxy = await startTcpProxy({ targetPort: redis.port })
  })
  afterEach(() => proxy.close())

  const ping = (timeoutMs?: number): ReturnType<typeof redisCommand> =>
    redisCommand(proxy.port, ['PING'], timeoutMs)

  test('forwards, and again after each other mode, on the same port', async () => {
    expect(await ping()).toBe('PONG')
    await proxy.setMode('refuse')
    await expect(ping()).rejects.toThrow('ECONNREFUSED')
    await proxy.setMode('reset')
    await expect(ping()).rejects.toThrow('ECONNRESET')
    await proxy.setMode('blackhole')
    await expect(ping(50)).rejects.toThrow('No answer')
    await proxy.setMode('forward')
    expect(await ping()).toBe('PONG')
  })

  test('a command runs while its reply is held back', async () => {
    await proxy.setMode('hold-replies')
    const incremented = redisCommand(proxy.port, ['INCR', 'held'])
    await eventually(async () => expect(await redis.command('GET', 'held')).toBe('1'))
    const early = await Promise.race([incremented, sleep(50, 'no reply')])
    expect(early).toBe('no reply')
    await proxy.setMode('forward')
    expect(await incremented).toBe(1)
  })

  test('a command that is held back runs when the network is mended', async () => {
    await proxy.setMode('hold-requests')
    const incremented = redisCommand(proxy.port, ['INCR', 'late'])
    expect(await Promise.race([incremented, sleep(50, 'no reply')])).toBe('no reply')
    expect(await redis.command('GET', 'late')).toBeNull()
    await proxy.setMode('forward')
    expect(await incremented).toBe(1)
  })

  test('a stalled connection gets its answer when the network is mended', async () => {
    await proxy.setMode('stall')
    const answer = ping(5_000)
    await expect(ping(50)).rejects.toThrow('No answer')
    await proxy.setMode('forward')
    expect(await answer).toBe('PONG')
  })

  test('a connection that lost bytes is reset when the black hole ends', async () => {
    await proxy.setMode('blackhole')
    const answer = expect(ping(5_000)).rejects.toThrow('ECONNRESET')
    await eventually(() => expect(proxy.connections).toBe(1))
    await expect(ping(50)).rejects.toThrow('No answer')
    await proxy.setMode('forward')
    await answer
  })

  test('a cut reply leaves the command done and the client in the dark', async () => {
    const cut = proxy.cutReplies()
    await expect(redisCommand(proxy.port, ['INCR', 'counter'])).rejects.toThrow('ECONNRESET')
    await cut
    expect(await redisCommand(proxy.port, ['GET', 'counter'])).toBe('1')
    await proxy.setMode('cut-replies')
    await expect(redisCommand(proxy.port, ['INCR', 'counter'])).rejects.toThrow('ECONNRESET')
    await expect(redisCommand(proxy.port, ['INCR', 'counter'])).rejects.toThrow('ECONNRESET')
    expect(await redis.command('GET', 'counter')).toBe('3')
  })

  test('delays both ways', async () => {
    proxy.setDelay(30)
    const startedAt = performance.now()
    expect(await ping()).toBe('PONG')
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(58)
  })

  test('bytes that were still on a slow way when their connection ended kept the process alive', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length
    const before = timers()
    proxy.setDelay(60_000)
    await expect(ping(100)).rejects.toThrow('No answer')
    proxy.dropConnections()
    await eventually(() => {
      expect(proxy.connections).toBe(0)
      expect(timers()).toBeLessThanOrEqual(before)
    })
  })
})

test('a test Redis keeps port and data over a kill', async () => {
  const redis = await startTestRedis({ extraArgs: ['--maxmemory', '50mb'] })
  try {
    await redis.command('SET', 'key', 'value')
    await redis.kill()
    await expect(redis.command('PING')).rejects.toThrow('ECONNREFUSED')
    await redis.restart()
    expect(await redis.command('GET', 'key')).toBe('value')
    expect(await redis.command('CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', String(50 * 1024 * 1024)])
    await redis.flush()
    expect(await redis.command('GET', 'key')).toBeNull()
  } finally {
    await redis.stop()
  }
})
