import type { Static } from '@sinclair/typebox'
import { isoInstant, parseForecastQuery, type ShardStats, TIMER_STATUSES, TimerError } from '@timers/core'
import type { App } from '../app.ts'
import { forecastAnswer, statsAnswer } from '../schemas/lists.ts'
import type { TimerRouteDeps } from './timer-routes.ts'

/** `GET /stats` and `GET /forecast`: how many timers there are, and how many come due when. */
export function registerStats(app: App, { store, clock }: TimerRouteDeps): void {
  app.get<{ Querystring: Record<string, unknown> }>(
    '/stats',
    { schema: { response: { 200: statsAnswer } } },
    async ({ query }, reply) => {
      const [stranger] = Object.keys(query)
      if (stranger !== undefined) {
        throw new TimerError('INVALID_FILTER', 'stats take no parameters', { field: stranger.slice(0, 64) })
      }
      const shards = await store.stats()
      reply.header('cache-control', 'no-store')
      return { ...sumView(shards), shards: shards.map((each) => ({ shard: each.shard, ...sumView([each]) })) }
    },
  )

  app.get<{ Querystring: Record<string, unknown> }>(
    '/forecast',
    { schema: { response: { 200: forecastAnswer } } },
    async ({ query }, reply) => {
      const asked = parseForecastQuery(query, clock.now())
      const counts = await store.forecast(asked)
      reply.header('cache-control', 'no-store')
      return {
        bucket: asked.bucketMs / 1_000,
        buckets: counts.map((due, at) => ({ start: isoInstant(asked.from + at * asked.bucketMs), due })),
      }
    },
  )
}

function sumView(shards: readonly ShardStats[]): Omit<Static<typeof statsAnswer>, 'shards'> {
  const sum = (of: (stats: ShardStats) => number) => shards.reduce((total, stats) => total + of(stats), 0)
  const counts = TIMER_STATUSES.map((status) => [status, sum((stats) => stats.counts[status])])
  return {
    counts: Object.fromEntries(counts),
    deferred: sum(({ deferred }) => deferred),
    overdue: sum(({ overdue }) => overdue),
    oldest_overdue_seconds: Math.max(0, ...shards.map(({ oldestOverdueMs }) => oldestOverdueMs)) / 1_000,
  }
}
