import { ClusterUnderTest } from './cluster-under-test.ts'
import type { Options } from './options.ts'
import type { RedisUnderTest } from './redis-under-test.ts'
import { SentinelsUnderTest } from './sentinels-under-test.ts'
import { SingleRedis } from './single-redis.ts'

/** Starts what the timers are to lie in. */
export function openRedis({
  redis,
  minutes,
  replicas,
  acks,
}: Pick<Options, 'minutes' | 'redis' | 'replicas' | 'acks'>): Promise<RedisUnderTest> {
  switch (redis) {
    case 'single':
      return SingleRedis.start(minutes)
    case 'cluster':
      return ClusterUnderTest.start({ replicas, acks })
    case 'sentinel':
      return SentinelsUnderTest.start({ replicas, acks })
  }
}
