import { setTimeout as sleep } from 'node:timers/promises'
import { infoOf } from '../counters.ts'
import { Deployment } from '../deployment.ts'
import { type Figure, figure } from '../figure.ts'
import { LoadGenerator } from '../load.ts'
import { measure, SETTINGS } from '../measure.ts'
import type { BulkCost } from '../scale/scale-figures.ts'
import { NOWHERE } from './creates.ts'

const LONG_SECONDS = 30 * 86_400
const BODY = JSON.stringify({ seconds: LONG_SECONDS, url: NOWHERE })
/** Between two creates beside the move, in milliseconds; all are to the shard that moves, as there is only one. */
const PROBE_EVERY_MS = 10

type Nodes = Deployment['cluster']
type Node = Nodes['nodes'][number]

/** What the timers of one slot cost when they move to another primary, to a new replica, and to a new file. */
export const moves = measure('moves', async ({ scale, newFolder, use, log }) => {
  const topology = { primaries: 2, replicas: 0 }
  const deployment = await use(
    Deployment.start({ topology, shards: 1, folder: newFolder('moves'), env: SETTINGS }),
  )
  const { cluster } = deployment
  const api = await deployment.startService('api')
  const load = await use(new LoadGenerator())
  const create = (amount: number) => load.create(api.url, NOWHERE, LONG_SECONDS, { amount })
  await create(100)
  const slot = await cluster.slotOf('timers:{0}:delayed')
  const [owner, other] = await ownerAndOther(cluster, slot)
  const before = await memoryOf(owner)
  await create(scale.moved)
  const bytesEach = ((await memoryOf(owner)) - before) / scale.moved
  const rewrite = await rewriteOf(owner)
  const probes = probe(api.url)
  const startedAt = performance.now()
  await cluster.moveSlots([slot], other)
  const moveMs = performance.now() - startedAt
  const { longestMs: longestCreateMs, refused: refusedCreates } = await probes.stop()
  const resyncMs = await resyncOf(await cluster.addNode(), other)
  const bulk: BulkCost = {
    timers: scale.moved,
    bytesEach,
    moveMs,
    longestCreateMs,
    refusedCreates,
    resyncMs,
    ...rewrite,
  }
  log(`moves: ${JSON.stringify(bulk)}`)
  return { figures: figuresOf(bulk), details: bulk, scale: { bulk } }
})

async function ownerAndOther(redis: Nodes, slot: number): Promise<[Node, Node]> {
  const owner = await redis.ownerOf(slot)
  const other = redis.nodes.find((node) => node !== owner)
  if (other === undefined) throw new Error('a move needs two primaries')
  return [owner, other]
}

async function memoryOf(node: Node): Promise<number> {
  return Number((await infoOf(node)).get('used_memory'))
}

/** From the order to replicate until the node has all that its primary has. */
async function resyncOf(node: Node, primary: Node): Promise<number> {
  const startedAt = performance.now()
  await node.command('CLUSTER', 'REPLICATE', primary.id)
  while ((await node.info('replication')).get('master_link_status') !== 'up') await sleep(20)
  return performance.now() - startedAt
}

/** Writes the append-only file anew, and tells what it took. */
async function rewriteOf(node: Node): Promise<Pick<BulkCost, 'rewriteUs' | 'forkUs' | 'copiedBytes'>> {
  const childUs = async () => {
    const info = await infoOf(node)
    return ['used_cpu_sys_children', 'used_cpu_user_children'].reduce(
      (sum, name) => sum + Number(info.get(name)) * 1e6,
      0,
    )
  }
  const before = await childUs()
  await node.command('BGREWRITEAOF')
  let info = await infoOf(node)
  while (info.get('aof_rewrite_in_progress') === '1' || info.get('aof_rewrite_scheduled') === '1') {
    await sleep(20)
    info = await infoOf(node)
  }
  return {
    rewriteUs: (await childUs()) - before,
    forkUs: Number(info.get('latest_fork_usec')),
    copiedBytes: Number(info.get('aof_last_cow_size')),
  }
}

/** Creates timers until it is stopped, and tells how long the longest answer took. */
function probe(apiUrl: string) {
  let [running, longestMs, refused] = [true, 0, 0]
  const one = async () => {
    const startedAt = performance.now()
    const headers = { 'content-type': 'application/json' }
    const { status } = await fetch(`${apiUrl}/timers`, { method: 'POST', headers, body: BODY })
    longestMs = Math.max(longestMs, performance.now() - startedAt)
    if (status !== 201) refused += 1
  }
  const asking = (async () => {
    while (running) {
      await one()
      await sleep(PROBE_EVERY_MS)
    }
  })()
  return {
    stop: async () => {
      running = false
      await asking
      return { longestMs, refused }
    },
  }
}

function figuresOf(bulk: BulkCost): Figure[] {
  const count = bulk.timers.toLocaleString('en-US')
  const row = (what: string, unit: string, value: number) => figure({ what, unit, values: [value] })
  return [
    row(`a slot with ${count} timers moves to another primary`, 's', bulk.moveMs / 1_000),
    row('longest create meanwhile, of those to that slot', 'ms', bulk.longestCreateMs),
    row('creates refused meanwhile (503)', '', bulk.refusedCreates),
    row(`a new replica gets ${count} timers`, 's', bulk.resyncMs / 1_000),
    row(`the file of ${count} timers is rewritten: processor time`, 'ms', bulk.rewriteUs / 1_000),
    row('the fork for it, in which Redis stands still', 'ms', bulk.forkUs / 1_000),
    row('bytes a pending timer in a cluster', 'B', bulk.bytesEach),
  ]
}
