import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually, redisCommand } from '@timers/lab'
import { OWN_CLUSTER } from '../own-cluster.mjs'
import { OWN_REDIS } from '../own-redis.mjs'
import { OwnServer } from '../own-server.mjs'
import { readArguments } from '../start-arguments.mjs'

const START = fileURLToPath(new URL('../start.mjs', import.meta.url))

describe.each([
  { command: 'npm start', kind: OWN_REDIS, url: /^redis:\/\/127\.0\.0\.1:\d+$/, killed: '.' },
  {
    command: 'npm start -- --cluster',
    kind: OWN_CLUSTER,
    url: /^redis\+cluster:\/\/(127\.0\.0\.1:\d+,?){6}$/,
    killed: 'node-0',
  },
])('the Redis of $command', ({ kind, url, killed }) => {
  let folder: string
  const started: OwnServer[] = []
  const givenUp: string[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'own-server-'))
  })
  afterAll(async () => {
    for (const server of started) await server.stop()
    await rm(folder, { recursive: true, force: true })
  })

  function create(): OwnServer {
    const server = new OwnServer(kind, folder, (reason) => givenUp.push(reason))
    started.push(server)
    return server
  }

  const pid = async (): Promise<number> =>
    JSON.parse(await readFile(join(folder, killed, 'redis.json'), 'utf8')).pid

  test('gives its URL, starts a process again that died, on the same port and data, and leaves none', async () => {
    const server = create()
    const redisUrl = await server.start()
    expect(redisUrl).toMatch(url)
    const ports = [...redisUrl.matchAll(/:(\d+)/g)].map(([, port]) => Number(port))
    const [port = 0] = ports
    const before = await pid()
    const data = (await readdir(join(folder, killed, 'appendonlydir'))).sort()
    process.kill(before, 'SIGKILL')
    await eventually(
      async () => {
        expect(await redisCommand(port, ['PING'])).toBe('PONG')
        expect(await pid()).not.toBe(before)
      },
      { timeoutMs: 10_000 },
    )
    expect((await readdir(join(folder, killed, 'appendonlydir'))).sort()).toEqual(data)
    await server.stop()
    for (const port of ports) await expect(redisCommand(port, ['PING'])).rejects.toThrow('ECONNREFUSED')
    expect(givenUp).toEqual([])
  })

  test('told to stop before it has begun, it starts nothing', async () => {
    const server = create()
    await server.stop()
    expect(await server.start()).toBe('')
  })
})

describe('the cluster of npm start -- --cluster', () => {
  let folder: string
  const started: OwnServer[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'own-server-'))
  })
  afterAll(async () => {
    for (const server of started) await server.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test('is the same after a stop', async () => {
    const urls: string[] = []
    for (let run = 0; run < 2; run++) {
      const server = new OwnServer(OWN_CLUSTER, folder, () => {})
      started.push(server)
      urls.push(await server.start())
      await server.stop()
    }
    expect(urls[1]).toBe(urls[0])
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
