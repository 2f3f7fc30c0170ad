import { eventually } from '@timers/lab'
import { readTimer, type TimerView } from './api-client.ts'
import type { Installation } from './installation.ts'
import type { Load } from './load.ts'
import { judge, type Verdict } from './verdict.ts'

/** Longest that anything may still be under way: a dead worker's timers are taken over within 15 s of its end. */
const REST_WITHIN_MS = 25_000

/** Waits until the installation has come to rest, asks the API for every timer, and judges the run. */
export async function judgeAtRest(
  installation: Installation,
  load: Load,
  apiUrl = installation.apiUrl,
): Promise<Verdict> {
  await atRest(installation)
  const { requests } = installation.receiver
  const ids = new Set([
    ...load.acknowledged.map((creation) => creation.acknowledged?.id ?? 0),
    ...requests.map((request) => request.id),
  ])
  const views = new Map<number, TimerView>()
  for (const id of ids) {
    const view = await eventually(() => readTimer(apiUrl, id))
    if (view !== undefined) views.set(id, view)
  }
  return judge({ creations: load.creations, requests, views, answer: 200 })
}

/**
 * Resolves when nothing can be sent any more: no timer waits, is due or is in a worker's hands, and the receiver has
 * answered all that came. Read from Redis itself, so that a timer that nobody was told of counts too.
 */
export async function atRest(installation: Installation): Promise<void> {
  await eventually(
    async () => {
      const left = await unfinished(installation)
      const open = installation.openRequests.length
      if (left + open > 0)
        throw new Error(`${left} timers are not finished and ${open} requests not answered`)
    },
    { timeoutMs: REST_WITHIN_MS, intervalMs: 50 },
  )
}

/** Asked in one step for each shard: a timer that moves on between two questions would be missed by both. */
async function unfinished({ redis, shards }: Installation): Promise<number> {
  const count = `
    local wait, active, delayed = unpack(KEYS)
    return redis.call('LLEN', wait) + redis.call('LLEN', active) + redis.call('ZCARD', delayed)`
  let left = 0
  for (let shard = 0; shard < shards; shard += 1) {
    const keys = ['wait', 'active', 'delayed'].map((set) => `timers:{${shard}}:${set}`)
    left += Number(await redis.command('EVAL', count, '3', ...keys))
  }
  return left
}
