import type { Address } from '@timers/core'
import type { Redis } from 'ioredis'
import type { Witness } from './slot-map.ts'

/** A node that is asked over a connection where the slots are. */
export function witnessOver(redis: Redis, address: Address): Witness {
  return {
    address,
    via: redis,
    ask: async () => {
      const [nodes, slots] = await Promise.all([
        redis.cluster('NODES'),
        // Without it, which a user may not be allowed, nodes are called by their IP addresses.
        redis.cluster('SLOTS').catch(() => []),
      ])
      return [String(nodes), slots]
    },
  }
}
