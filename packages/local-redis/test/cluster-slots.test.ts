import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClusterNode, type LocalCluster, redisCommands, startLocalCluster } from '../src/index.ts'

const KEYS = Array.from({ length: 500 }, (_, index) => `{tag}:${index}`)

describe('slots and nodes of a local cluster', () => {
  let dataDir: string
  let cluster: LocalCluster
  let slot: number
  let source: ClusterNode
  let target: ClusterNode

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'local-cluster-'))
    cluster = await startLocalCluster({ dataDir })
    slot = await cluster.slotOf('{tag}')
    source = await cluster.ownerOf(slot)
    target = (await cluster.primaries()).find((node) => node !== source) as ClusterNode
    await source.commands(KEYS.map((key) => ['SET', key, key]))
  })
  afterAll(async () => {
    await cluster.kill()
    await rm(dataDir, { recursive: true, force: true })
  })

  test('a slot stops in the middle of its way, and clients are asked over for what has gone', async () => {
    const move = await cluster.beginMove([slot], target)
    expect(await move.step(200)).toBe(200)
    expect(await move.keysLeft()).toBe(300)
    const answers = await Promise.allSettled(KEYS.map((key) => source.command('GET', key)))
    const refusals = answers.filter((answer) => answer.status === 'rejected')
    expect(new Set(refusals.map(({ reason }) => reason.message))).toEqual(
      new Set([`ASK ${slot} 127.0.0.1:${target.port}`]),
    )
    expect(refusals).toHaveLength(200)
    const gone = KEYS[answers.findIndex(({ status }) => status === 'rejected')] ?? ''
    expect(await redisCommands(target.port, [['ASKING'], ['GET', gone]])).toEqual(['OK', gone])

    await move.finish()
    expect(await move.keysLeft()).toBe(0)
    expect(await target.commands(KEYS.map((key) => ['GET', key]))).toEqual(KEYS)
    await expect(source.command('GET', KEYS[0] ?? '')).rejects.toThrow(
      `MOVED ${slot} 127.0.0.1:${target.port}`,
    )
  })

  test('a new node takes slots, and gives them back when it is removed', async () => {
    const added = await cluster.addNode()
    const replica = await cluster.addNode(added)
    expect(await cluster.replicasOf(added)).toEqual([replica])
    const neighbours = Array.from({ length: 50 }, (_, index) => (slot + index) % 16_384)
    await cluster.moveSlots(neighbours, added)
    expect(await cluster.slotsOf(added)).toEqual(expect.arrayContaining(neighbours))
    expect(await added.commands(KEYS.map((key) => ['GET', key]))).toEqual(KEYS)

    await cluster.removeNode(added)
    expect(cluster.nodes).not.toContain(added)
    expect(cluster.nodes).toHaveLength(7)
    await cluster.healthy()
    const owner = await cluster.ownerOf(slot)
    expect(await owner.commands(KEYS.map((key) => ['GET', key]))).toEqual(KEYS)
    expect((await cluster.primaryOf(replica))?.name).toMatch(/node-[012]/)

    await cluster.stop()
    cluster = await startLocalCluster({ dataDir })
    expect(cluster.nodes.map(({ name }) => name)).toContain(replica.name)
    expect(cluster.nodes).toHaveLength(7)
  })
})
