import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LocalCluster, startLocalCluster } from '../src/index.ts'

describe('nodes of a local cluster that are lost', () => {
  let dataDir: string
  let cluster: LocalCluster
  const crashes: string[] = []
  let onCrash = (_: string): void => {}

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'local-cluster-'))
    cluster = await startLocalCluster({
      dataDir,
      onCrash: (name) => {
        crashes.push(name)
        onCrash(name)
      },
    })
  })
  afterAll(async () => {
    await cluster.kill()
    await rm(dataDir, { recursive: true, force: true })
  })

  const ownerOfKey = () => cluster.ownerOfKey('key')

  test('a planned failover loses nothing, and the old primary is a replica', async () => {
    const old = await ownerOfKey()
    await old.command('SET', 'key', 'value')
    const heir = await cluster.failover(old)
    expect(await ownerOfKey()).toBe(heir)
    expect(await heir.command('GET', 'key')).toBe('value')
    await cluster.healthy()
    expect(await old.role()).toBe('replica')
  })

  test('a killed primary has a successor, and comes back as its replica', async () => {
    const old = await ownerOfKey()
    const heirs = await cluster.replicasOf(old)
    await old.kill()
    expect(await old.role()).toBe('down')
    const heir = await cluster.successorOf(old, heirs)
    expect(await heir.command('GET', 'key')).toBe('value')
    await old.start()
    await cluster.healthy()
    expect(await old.role()).toBe('replica')
    expect(crashes).toEqual([])
  })

  test('a node that is lost with its disk is replaced by an empty one, which gets all data', async () => {
    const lost = await ownerOfKey()
    const id = lost.id
    await lost.wipe()
    expect(existsSync(lost.dataDir)).toBe(false)
    await cluster.replace(lost)
    await cluster.healthy()
    expect(lost.id).not.toBe(id)
    expect((await cluster.view()).members.map((member) => member.id)).not.toContain(id)
    expect(await lost.role()).toBe('replica')
    const primary = await ownerOfKey()
    expect(await cluster.primaryOf(lost)).toBe(primary)
    await cluster.failover(primary, lost)
    expect(await lost.command('GET', 'key')).toBe('value')
  })

  test('a frozen primary is overtaken, and steps back when it goes on', async () => {
    await cluster.healthy()
    const old = await ownerOfKey()
    const heirs = await cluster.replicasOf(old)
    old.freeze()
    expect(await old.role()).toBe('down')
    const heir = await cluster.successorOf(old, heirs)
    old.thaw()
    await cluster.healthy()
    expect([await old.role(), await heir.role()]).toEqual(['replica', 'primary'])
  })

  test('a node that ends by itself is told', async () => {
    const [node] = cluster.nodes
    const told = new Promise<string>((resolve) => {
      onCrash = resolve
    })
    process.kill(node?.pid ?? 0, 'SIGKILL')
    expect(await told).toBe(node?.name)
    expect(crashes).toEqual([node?.name])
  })
})
