import { restOf } from '../cost.ts'
import { Deployment } from '../deployment.ts'
import { figure } from '../figure.ts'
import { measure, SETTINGS } from '../measure.ts'
import type { IdleCost } from '../scale/scale-figures.ts'

const SHARDS = [1, 16, 64] as const

/** What a worker costs that has nothing to do, by the number of shards: itself, and Redis. */
export const idle = measure('idle', async ({ scale, repeat, newFolder }) => {
  let folders = 0
  const idleCost = async (shards: number): Promise<IdleCost> => {
    folders += 1
    const folder = newFolder(`idle-${folders}`)
    const deployment = await Deployment.start({ topology: 'single', shards, folder, env: SETTINGS })
    try {
      const alone = await restOf({ deployment, apis: [], workers: [], bench: [] }, scale.idleMs / 4)
      const worker = await deployment.startService('worker')
      const watched = { deployment, apis: [], workers: [worker], bench: [] }
      // What it does once, at its start, and waits for the first time.
      await restOf(watched, scale.idleMs / 4)
      const { workerUs, redisUs, commands } = await restOf(watched, scale.idleMs)
      return { shards, workerUs, redisUs: redisUs - alone.redisUs, commands }
    } finally {
      await deployment.stop()
    }
  }
  const results = await repeat(async () => {
    const costs: IdleCost[] = []
    for (const shards of SHARDS) costs.push(await idleCost(shards))
    return costs
  })
  const byShards = SHARDS.map((_, index) => results.map((costs) => costs[index] as IdleCost))
  return {
    figures: byShards.flatMap((costs) => {
      const [{ shards = 0 } = {}] = costs
      const row = (what: string, unit: string, of: (cost: IdleCost) => number) =>
        figure({ what: `idle worker, ${shards} shards: ${what}`, unit, values: costs.map(of) })
      return [
        row('processor time of the worker, of a second', 'ms', ({ workerUs }) => workerUs / 1_000),
        row('processor time of Redis for it, of a second', 'ms', ({ redisUs }) => redisUs / 1_000),
        row('commands', '/s', ({ commands }) => commands),
      ]
    }),
    details: results,
    scale: { idle: byShards.map(middleOf) },
  }
})

function middleOf(costs: readonly IdleCost[]): IdleCost {
  const sorted = [...costs].sort((a, b) => a.workerUs - b.workerUs)
  return sorted[Math.floor(sorted.length / 2)] as IdleCost
}
