import { eventually, type Installation, judge, onTheirWay, sightingOf, type Verdict } from '@timers/lab'
import type { Load } from './load.ts'

/** Longest that anything may still be under way: a dead worker's timers are taken over within 15 s of its end. */
const REST_WITHIN_MS = 25_000

/** Waits until the installation has come to rest, asks the API for every timer, and judges the run. */
export async function judgeAtRest(installation: Installation, load: Load): Promise<Verdict> {
  await atRest(installation)
  const sightings = installation.receiver.requests.map(sightingOf)
  const ids = load.acknowledged.map(({ acknowledged }) => acknowledged?.id ?? 0)
  const views = await load.read(new Set([...ids, ...sightings.map(({ id }) => id)]))
  return judge({ creations: load.creations, sightings, views })
}

/** Resolves when nothing can be sent any more, and the receiver has answered all that came. */
export async function atRest(installation: Installation): Promise<void> {
  await eventually(
    async () => {
      const left = await onTheirWay(installation.redis, installation.shards)
      const open = installation.openRequests.length
      if (left + open > 0)
        throw new Error(`${left} timers are not finished and ${open} requests not answered`)
    },
    { timeoutMs: REST_WITHIN_MS, intervalMs: 50 },
  )
}
