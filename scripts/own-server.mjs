import { join } from 'node:path'
import { OwnCluster } from './own-cluster.mjs'
import { OwnRedis } from './own-redis.mjs'

/** @import { Settings } from './start-settings.mjs' */
/** @typedef {OwnRedis | OwnCluster} OwnServer */

/**
 * The Redis to start; undefined where REDIS_URL names one that runs.
 *
 * @param {Settings} settings
 * @param {boolean} cluster
 * @param {(reason: string) => void} onGivenUp
 * @returns {OwnServer | undefined}
 */
export function ownServer({ redisUrl, dataDir }, cluster, onGivenUp) {
  if (redisUrl !== undefined) return undefined
  const folder = join(dataDir, folderOf(cluster))
  return cluster ? new OwnCluster(folder, onGivenUp) : new OwnRedis(folder, onGivenUp)
}

/**
 * Where its data is, in the data folder: one Redis and a cluster have nothing in common.
 *
 * @param {boolean} cluster
 */
export function folderOf(cluster) {
  return cluster ? 'redis-cluster' : 'redis'
}
