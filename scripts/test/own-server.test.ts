import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually, redisCommand } from '@timers/lab'
import { OWN_CLUSTER } from '../own-cluster.mjs'
import { OWN_REDIS } from '../own-redis.mjs'
import { type OwnKind, OwnServer } from '../own-server.mjs'
import { readArguments } from '../start-arguments.mjs'

const START = fileURLToPath(new URL('../start.mjs', import.meta.url))

describe('the Redis that npm start starts', () => {
  let folder: string
  const started: OwnServer[] = []
  const givenUp: string[] = []

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'own-server-'))
  })
  afterEach(async () => {
    for (const server of started.splice(0)) await server.stop()
    await rm(folder, { recursive: true, force: true })
    expect(givenUp).toEqual([])
  })

  function create(kind: OwnKind): OwnServer {
    const server = new OwnServer(kind, folder, (reason) => givenUp.push(reason))
    started.push(server)
    return server
  }

  const KINDS = [
    { name: 'one', kind: OWN_REDIS, url: /^redis:\/\/127\.0\.0\.1:\d+$/, killed: '.' },
    {
      name: 'a cluster',
      kind: OWN_CLUSTER,
      url: /^redis\+cluster:\/\/(127\.0\.0\.1:\d+,?){6}$/,
      killed: 'node-0',
    },
  ]

  test.each(KINDS)(
    '$name: a process that dies is started again on its port and data, and a stop leaves none',
    async ({ kind, url, killed }) => {
      const data = join(folder, killed)
      const pid = async () => Number(JSON.parse(await readFile(join(data, 'redis.json'), 'utf8')).pid)
      const server = create(kind)
      const redisUrl = await server.start()
      expect(redisUrl).toMatch(url)
      const ports = [...redisUrl.matchAll(/:(\d+)/g)].map(([, port]) => Number(port))
      const [port = 0] = ports
      const before = await pid()
      const files = await readdir(join(data, 'appendonlydir'))
      process.kill(before, 'SIGKILL')
      await eventually(
        async () => {
          expect(await redisCommand(port, ['PING'])).toBe('PONG')
          expect(await pid()).not.toBe(before)
        },
        { timeoutMs: 10_000 },
      )
      expect(await readdir(join(data, 'appendonlydir'))).toEqual(expect.arrayContaining(files))
      await server.stop()
      for (const each of ports) await expect(redisCommand(each, ['PING'])).rejects.toThrow('ECONNREFUSED')
    },
  )

  test.each(KINDS)('$name: told to stop before it has begun, it starts nothing', async ({ kind }) => {
    const server = create(kind)
    await server.stop()
    expect(await server.start()).toBe('')
  })

  test('a cluster is the same after a stop', async () => {
    const first = create(OWN_CLUSTER)
    const url = await first.start()
    await first.stop()
    expect(await create(OWN_CLUSTER).start()).toBe(url)
    expect((await readdir(folder)).filter((name) => name.startsWith('node-'))).toHaveLength(6)
  })
})

describe('the command line of npm start', () => {
  test.each([
    [[], false],
    [['--cluster'], true],
  ])('%j', (args, cluster) => {
    expect(readArguments(args, {})).toEqual({ cluster, help: undefined })
  })

  test('a cluster of its own beside REDIS_URL is refused, with what to do', () => {
    const env = { REDIS_URL: 'redis://127.0.0.1:6379' }
    expect(() => readArguments(['--cluster'], env)).toThrow('unset it, or leave out --cluster')
    expect(readArguments([], env).cluster).toBe(false)
  })

  test('--help says what there is, a wrong word too, and nothing is started', () => {
    const run = (word: string) => spawnSync(process.execPath, [START, word], { encoding: 'utf8' })
    expect(run('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--cluster ') })
    expect(run('--clutser')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('npm start [-- --cluster]'),
    })
  })

  test('a cluster and one Redis have folders of their own', () => {
    expect(OWN_CLUSTER.folder).not.toBe(OWN_REDIS.folder)
  })
})
