import { TimerError } from '@timers/core'

/** Redis is of another kind than `REDIS_URL` says: what to write. */
export function wrongRedis(inCluster: boolean): TimerError {
  return new TimerError(
    'WRONG_REDIS',
    inCluster
      ? 'this Redis is a node of a cluster: write redis+cluster://host:port,host:port,... in REDIS_URL'
      : 'this Redis is a single one and not a cluster: write redis:// instead of redis+cluster:// in REDIS_URL',
  )
}
