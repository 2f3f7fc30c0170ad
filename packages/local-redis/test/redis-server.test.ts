import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, type RedisServer, redisCommand, startRedisServer } from '../src/index.ts'

describe('startRedisServer', () => {
  let dataDir: string
  const running: RedisServer[] = []

  async function start(options: Partial<Parameters<typeof startRedisServer>[0]> = {}): Promise<RedisServer> {
    const server = await startRedisServer({ dataDir, ...options })
    running.push(server)
    return server
  }

  async function readClaim(): Promise<Record<string, unknown>> {
    return JSON.parse(await readFile(join(dataDir, 'redis.json'), 'utf8')) as Record<string, unknown>
  }

  async function writeClaim(claim: Record<string, unknown>): Promise<void> {
    await writeFile(join(dataDir, 'redis.json'), JSON.stringify(claim))
  }

  async function pretendOwnerIsDead(): Promise<void> {
    const dead = spawnSync(process.execPath, ['--version']).pid
    await writeClaim({ ...(await readClaim()), ownerPid: dead, owner: 'gone' })
  }

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'local-redis-'))
  })

  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.kill()))
    await rm(dataDir, { recursive: true, force: true })
  })

  test('a log that has grown large is put aside at the next start: two files at most', async () => {
    const log = join(dataDir, 'redis-server.log')
    for (const filler of ['x', 'y']) {
      await writeFile(log, filler.repeat(10 * 1_048_576 + 1))
      await (await start()).stop()
      expect((await readFile(`${log.slice(0, -4)}.previous.log`, 'utf8'))[0]).toBe(filler)
      expect((await readFile(log, 'utf8')).length).toBeLessThan(100_000)
    }
    expect((await readdir(dataDir)).filter((name) => name.endsWith('.log'))).toHaveLength(2)
  })

  test('nobody else on the machine can read what Redis writes: neither a new AOF nor one of an older start', async () => {
    const permissions = async (folder: string) => {
      const names = ['.', ...(await readdir(folder, { recursive: true }))]
      const modes = names.map(async (name) => [name, (await stat(join(folder, name))).mode & 0o077] as const)
      return Promise.all(modes)
    }
    const folder = join(dataDir, 'new')
    const server = await start({ dataDir: folder })
    await redisCommand(server.port, ['SET', 'payload', 'secret'])
    expect((await permissions(folder)).filter(([, others]) => others !== 0)).toEqual([])
    await server.stop()

    for (const old of [folder, join(folder, 'appendonlydir')]) await chmod(old, 0o755)
    await start({ dataDir: folder })
    expect((await permissions(folder)).filter(([name]) => name === '.' || name === 'appendonlydir')).toEqual([
      ['.', 0],
      ['appendonlydir', 0],
    ])
  })

  test('runs with the settings of the repository', async () => {
    const { port } = await start()
    expect(await redisCommand(port, ['CONFIG', 'GET', 'appendfsync'])).toEqual(['appendfsync', 'always'])
    expect(await redisCommand(port, ['CONFIG', 'GET', 'bind'])).toEqual(['bind', '127.0.0.1'])
    expect(await redisCommand(port, ['CONFIG', 'GET', 'maxmemory-policy'])).toEqual([
      'maxmemory-policy',
      'noeviction',
    ])
  })

  test('a kill and a start on the same port and folder give the data back', async () => {
    const first = await start()
    await redisCommand(first.port, ['SET', 'key', 'value'])
    expect(await first.kill()).toEqual({ code: null, signal: 'SIGKILL' })
    const second = await start({ port: first.port })
    expect(second.port).toBe(first.port)
    expect(await redisCommand(second.port, ['GET', 'key'])).toBe('value')
    expect(await second.stop()).toEqual({ code: 0, signal: null })
  })

  test('a paused server answers nothing, and still stops', async () => {
    const server = await start()
    server.pause()
    await expect(redisCommand(server.port, ['PING'], 100)).rejects.toThrow('No answer')
    server.resume()
    expect(await redisCommand(server.port, ['PING'])).toBe('PONG')
    server.pause()
    expect(await server.stop()).toEqual({ code: 0, signal: null })
  })

  test('says that the port is taken', async () => {
    const port = await freePort()
    const holder = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1')
    await new Promise((resolve) => holder.once('listening', resolve))
    await expect(start({ port })).rejects.toThrow(`Port ${port} is taken`)
    await new Promise((resolve) => holder.close(resolve))
  })

  test('shows the end of the log when the server does not start', async () => {
    await expect(start({ extraArgs: ['--no-such-setting', '1'] })).rejects.toThrow(/no-such-setting/)
  })

  test('a second server on one folder is refused, with the name of the holder', async () => {
    const { pid } = await start()
    await expect(start()).rejects.toThrow(new RegExp(`in use by process ${process.pid} .*process ${pid}`))
  })

  test('a server whose owner was killed is shut down, and its data is there', async () => {
    const orphan = await start()
    await redisCommand(orphan.port, ['SET', 'key', 'value'])
    await pretendOwnerIsDead()
    const heir = await start()
    expect(await orphan.exited).toEqual({ code: 0, signal: null })
    expect(await redisCommand(heir.port, ['GET', 'key'])).toBe('value')
  })

  test('a process that took over the pid of a dead server is left alone', async () => {
    const server = await start()
    await pretendOwnerIsDead()
    const claim = await readClaim()
    const stranger = await freePort()
    await writeClaim({ ...claim, port: stranger })
    await expect(start()).rejects.toThrow(/does not answer/)
    expect(await redisCommand(server.port, ['PING'])).toBe('PONG')
  })

  test('a claim of a process long dead is no obstacle, nor is a claim cut short', async () => {
    await writeFile(join(dataDir, 'redis.json'), '{"ownerPid":')
    const server = await start()
    await server.stop()
    const claim = {
      ownerPid: process.pid,
      owner: 'started at another time',
      nonce: 'x',
      pid: process.pid,
      port: 1,
    }
    await writeFile(
      join(dataDir, 'redis.json'),
      JSON.stringify({ ...claim, server: 'started at another time' }),
    )
    const next = await start()
    expect(await readClaim()).toMatchObject({ pid: next.pid })
  })
})
