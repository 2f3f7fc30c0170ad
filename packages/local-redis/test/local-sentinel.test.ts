import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type LocalSentinel, startLocalSentinel } from '../src/index.ts'

const REPOSITORY_CONFIG = fileURLToPath(new URL('../../../redis.conf', import.meta.url))

describe('startLocalSentinel', () => {
  let dataDir: string
  let local: LocalSentinel

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'local-sentinel-'))
    local = await startLocalSentinel({ dataDir, replicas: 2, downAfterMs: 2_000, minReplicasToWrite: 1 })
  })
  afterAll(async () => {
    await local.kill()
    await rm(dataDir, { recursive: true, force: true })
  })

  test('a primary with its replicas, with the settings of the repository', async () => {
    const { nodes, sentinels, url } = local
    expect(url).toBe(`redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join()}/timers`)
    expect(await Promise.all(nodes.map((node) => node.role()))).toEqual(['primary', 'replica', 'replica'])
    const settings = await nodes[1]?.command('CONFIG', 'GET', 'appendfsync', 'min-replicas-to-write')
    expect(settings).toEqual(expect.arrayContaining(['always', '1']))
  })

  test('a planned failover promotes a replica, and leaves the redis.conf of the repository alone', async () => {
    const digest = async () =>
      createHash('sha1')
        .update(await readFile(REPOSITORY_CONFIG))
        .digest('hex')
    const before = await digest()
    const old = await local.primary()
    await old.command('SET', 'key', 'value')
    const heir = await local.failover()
    expect(heir).not.toBe(old)
    expect(await heir.command('GET', 'key')).toBe('value')
    expect(await digest()).toBe(before)
  })

  test('a failover is not asked of a Sentinel that was asleep and holds still for half a minute', async () => {
    const old = await local.primary()
    const [sleeper] = local.sentinels
    if (sleeper === undefined) throw new Error('there is no Sentinel')
    // Asleep until it takes its clock for wrong.
    for (let asleepMs = 2_500; await sleeper.acts(); asleepMs += 500) {
      sleeper.freeze()
      await setTimeout(asleepMs)
      sleeper.thaw()
    }
    expect(await local.failover()).not.toBe(old)
    expect(await sleeper.acts()).toBe(false)
    await local.healthy()
  })

  test('a primary lost with its disk has a successor, and comes back empty as its replica', async () => {
    const lost = await local.primary()
    await lost.wipe()
    await expect(lost.start()).rejects.toThrow('would empty its replicas')
    const heir = await local.successorOf(lost)
    expect(await heir.command('GET', 'key')).toBe('value')
    await lost.start()
    await local.healthy()
    expect(await lost.command('GET', 'key')).toBe('value')
    expect(await lost.command('ROLE')).toEqual(expect.arrayContaining(['slave']))
  })

  test('all come back in the roles that they had', async () => {
    const primary = await local.primary()
    await local.stop()
    local = await startLocalSentinel({ dataDir })
    expect(local.nodes).toHaveLength(3)
    expect((await local.primary()).name).toBe(primary.name)
    expect(await (await local.primary()).command('GET', 'key')).toBe('value')
  })
})
