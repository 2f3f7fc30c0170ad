import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@timers/lab'
import { ClusterBed } from './cluster-bed.ts'

/** `IDLE_SECONDS=10` prints the table of docs/adr/0015-cluster-connections.md. */
const SECONDS = Number(process.env.IDLE_SECONDS ?? 0)
const SHARDS = SECONDS > 0 ? [1, 4, 16, 64] : [64]
/** For each shard: the look of the watchdog every two seconds, the sweeper's, and what BullMQ waits with. */
const A_SHARD = 5
/** For each primary: whether it is safe to rely on, and where the slots are. */
const A_PRIMARY = 8

const SOON = { timeoutMs: 20_000 }

describe.each(SECONDS > 0 ? [3, 6] : [3])('an idle worker, of %i primaries', (primaries) => {
  let bed: ClusterBed

  beforeAll(async () => {
    bed = await ClusterBed.start({ primaries, replicas: 0 })
  })
  afterAll(() => bed.close())
  afterEach(() => bed.reset())

  /** Over all primaries. */
  async function spent() {
    const calls = new Map<string, number>()
    let seconds = 0
    for (const node of bed.cluster.redis.nodes) {
      const cpu = await node.info('cpu')
      seconds += Number(cpu.get('used_cpu_user')) + Number(cpu.get('used_cpu_sys'))
      for (const [name, text] of await node.info('commandstats')) {
        const count = Number(/calls=(\d+)/.exec(text)?.[1] ?? 0)
        calls.set(name, (calls.get(name) ?? 0) + count)
      }
    }
    return { calls, seconds }
  }

  async function perSecond(forMs: number) {
    const before = await spent()
    const from = performance.now()
    await sleep(forMs)
    const after = await spent()
    const took = (performance.now() - from) / 1_000
    const calls = [...after.calls].map(
      ([name, count]) =>
        [name.replace('cmdstat_', ''), (count - (before.calls.get(name) ?? 0)) / took] as const,
    )
    return {
      commands: calls.reduce((sum, [, count]) => sum + count, 0),
      cpu: (after.seconds - before.seconds) / took,
      most: calls
        .sort(([, a], [, b]) => b - a)
        .slice(0, 6)
        .map(([name, count]) => `${name} ${count.toFixed(1)}`)
        .join(', '),
    }
  }

  test.each(SHARDS)('with %i shards asks little of Redis', async (shards) => {
    const forMs = SECONDS > 0 ? SECONDS * 1_000 : 4_000
    const without = await perSecond(SECONDS > 0 ? forMs : 100)
    const consumer = await bed.consumer({ shards, handle: async () => {} })
    await eventually(() => expect(consumer.shardsPerNode()?.unserved).toEqual([]), SOON)
    await eventually(async () => expect(await consumer.census()).toBeDefined(), SOON)
    const { commands, cpu, most } = await perSecond(forMs)
    const figures = {
      primaries,
      shards,
      commands: commands.toFixed(0),
      aShard: (commands / shards).toFixed(1),
    }
    const share = `${((cpu - without.cpu) * 100).toFixed(2)} %`
    if (SECONDS > 0) process.stdout.write(`${JSON.stringify({ ...figures, cpu: share, most })}\n`)
    expect(commands).toBeLessThan(shards * A_SHARD + primaries * A_PRIMARY)
  })
})
