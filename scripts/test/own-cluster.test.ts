import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually, redisCommand } from '@timers/lab'
import { OwnCluster } from '../own-cluster.mjs'
import { folderOf } from '../own-server.mjs'
import { readArguments } from '../start-arguments.mjs'

const START = fileURLToPath(new URL('../start.mjs', import.meta.url))

describe('the cluster of npm start -- --cluster', () => {
  let folder: string
  const started: OwnCluster[] = []
  const givenUp: string[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'own-cluster-'))
  })
  afterAll(async () => {
    for (const cluster of started) await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  })

  function create(): OwnCluster {
    const cluster = new OwnCluster(folder, (reason) => givenUp.push(reason))
    started.push(cluster)
    return cluster
  }

  const pidOf = async (node: string): Promise<number> =>
    JSON.parse(await readFile(join(folder, node, 'redis.json'), 'utf8')).pid

  test('gives its URL, starts a node again that died, and is the same after a stop', async () => {
    const first = create()
    const url = await first.start()
    expect(url).toMatch(/^redis\+cluster:\/\/(127\.0\.0\.1:\d+,?){6}$/)
    const ports = [...url.matchAll(/:(\d+)/g)].map(([, port]) => Number(port))
    const pid = await pidOf('node-0')
    process.kill(pid, 'SIGKILL')
    await eventually(
      async () => {
        expect(await redisCommand(ports[0] ?? 0, ['PING'])).toBe('PONG')
        expect(await pidOf('node-0')).not.toBe(pid)
      },
      { timeoutMs: 10_000 },
    )
    await first.stop()
    for (const port of ports) await expect(redisCommand(port, ['PING'])).rejects.toThrow('ECONNREFUSED')

    const second = create()
    expect(await second.start()).toBe(url)
    await second.stop()
    expect(givenUp).toEqual([])
    expect((await readdir(folder)).filter((name) => name.startsWith('node-'))).toHaveLength(6)
  })

  test('told to stop before it has begun, it starts nothing', async () => {
    const cluster = create()
    await cluster.stop()
    expect(await cluster.start()).toBe('')
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
    expect(folderOf(true)).not.toBe(folderOf(false))
  })
})
