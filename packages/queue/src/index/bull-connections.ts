import { parseRedisUrl, type RedisPlace } from '@timers/core'
import { Cluster, type Redis } from 'ioredis'
import { errorFields } from '../nodes/error-fields.ts'
import { type ConnectionOptions, credentials, EVERYWHERE, IMPATIENT, tlsOf } from '../nodes/redis-client.ts'
import type { Shard } from '../shards/shards.ts'

type ClusterPlace = Extract<RedisPlace, { readonly kind: 'cluster' }>

/** What BullMQ's own Queues ask over, for looking at them. */
export interface BullConnections {
  of(shard: Shard): Redis | Cluster
  close(): void
}

/**
 * Of a single Redis and under Sentinels, the shards' own connections. On a cluster one client of ioredis for all shards: BullMQ
 * sends pipelines, and transactions, which a connection that follows its shard cannot (routed-redis.ts).
 */
export function openBullConnections(redisUrl: string, common: ConnectionOptions): BullConnections {
  const place = parseRedisUrl(redisUrl)
  if (place.kind !== 'cluster') return { of: ({ reads }) => reads, close() {} }
  const cluster = connectCluster(place, common)
  return { of: () => cluster, close: () => cluster.disconnect() }
}

/** As impatient as the profile `reader`: the page asks again every few seconds. */
function connectCluster({ seeds, access }: ClusterPlace, { caFile, log }: ConnectionOptions): Cluster {
  const cluster = new Cluster([...seeds], {
    enableReadyCheck: false,
    enableOfflineQueue: false,
    clusterRetryStrategy: (times) => Math.min(50 * times, 500),
    slotsRefreshTimeout: 1_000,
    slotsRefreshInterval: 2_000,
    // The name itself: a certificate is for that, and not for the address behind it.
    ...(access.tls && { dnsLookup: (host, callback) => callback(null, host) }),
    redisOptions: {
      connectionName: 'timers-reader',
      ...EVERYWHERE,
      ...IMPATIENT,
      ...credentials(access),
      ...(access.tls && tlsOf(caFile)),
    },
  })
  // The watch over the nodes says what there is to say.
  cluster.on('error', (error) => log.debug(errorFields(error), 'cluster client error'))
  return cluster
}
