import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClusterNode, type LocalCluster, type NodeRole, startLocalCluster } from '../src/index.ts'

describe('startLocalCluster', () => {
  let dataDir: string
  let cluster: LocalCluster | undefined

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'local-cluster-'))
  })
  afterAll(async () => {
    await cluster?.kill()
    await rm(dataDir, { recursive: true, force: true })
  })

  async function start(): Promise<LocalCluster> {
    cluster = await startLocalCluster({ dataDir, minReplicasToWrite: 1, minReplicasMaxLagSeconds: 2 })
    return cluster
  }

  const rolesOf = (nodes: readonly ClusterNode[]): Promise<NodeRole[]> =>
    Promise.all(nodes.map((node) => node.role()))

  test('three primaries with a replica each, each with the settings of the repository', async () => {
    const { nodes, url } = await start()
    expect(url).toBe(`redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join()}`)
    expect(await rolesOf(nodes)).toEqual([...Array(3).fill('primary'), ...Array(3).fill('replica')])
    const slots = await Promise.all(nodes.map(async (node) => (await cluster?.slotsOf(node))?.length))
    expect(slots).toEqual([5461, 5462, 5461, 0, 0, 0])
    for (const node of nodes) {
      const settings = await node.command(
        ...['CONFIG', 'GET', 'appendfsync', 'min-replicas-*', 'cluster-node-timeout'],
      )
      expect(settings).toEqual(expect.arrayContaining(['always', '1', '2', '2000']))
    }
  })

  test('is whole again on the same folder, with its data, although somebody has taken a port', async () => {
    if (cluster === undefined) throw new Error('There is no cluster')
    const owner = await cluster.ownerOfKey('key')
    await owner.command('SET', 'key', 'value')
    await cluster.stop()
    expect(await rolesOf(cluster.nodes)).toEqual(Array(6).fill('down'))
    const holder = createServer((socket) => socket.destroy()).listen(owner.port, '127.0.0.1')
    await new Promise((resolve) => holder.once('listening', resolve))

    const again = await start()
    expect(again.nodes.map(({ name }) => name)).toEqual(cluster.nodes.map(({ name }) => name))
    const nowOwner = await again.ownerOfKey('key')
    expect(await nowOwner.command('GET', 'key')).toBe('value')
    expect(again.nodes.map(({ port }) => port)).not.toContain(owner.port)
    await new Promise((resolve) => holder.close(resolve))
  })

  test('a second one on the folder is refused, and leaves the first one alone', async () => {
    await expect(startLocalCluster({ dataDir })).rejects.toThrow(/in use by process/)
    await cluster?.healthy()
  })

  test('nor does one begin anew where the nodes of an interrupted start still run', async () => {
    const file = join(dataDir, 'cluster.json')
    const remembered = await readFile(file)
    await rm(file)
    await expect(startLocalCluster({ dataDir })).rejects.toThrow(/in use by process/)
    await writeFile(file, remembered)
    await cluster?.stop()
    const again = await start()
    const owner = await again.ownerOfKey('key')
    expect(await owner.command('GET', 'key')).toBe('value')
  })

  test('one whose start was interrupted is formed anew', async () => {
    await cluster?.kill()
    const file = join(dataDir, 'cluster.json')
    const remembered = await readFile(file, 'utf8')
    await rm(file)
    const { nodes } = await start()
    expect(await rolesOf(nodes)).toEqual([...Array(3).fill('primary'), ...Array(3).fill('replica')])
    expect(await readFile(file, 'utf8')).not.toBe(remembered)
  })
})
