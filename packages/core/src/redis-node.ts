/** A replica, as its primary tells of it. */
export interface RedisReplica {
  /** `host:port` */
  readonly address: string
  /** Whether it has caught up and follows. */
  readonly online: boolean
  /** What the primary has written and the replica has not confirmed. */
  readonly lagBytes: number
  /** Since its last sign. */
  readonly lagSeconds: number
}

/** What a Redis tells of itself. */
export interface RedisFigures {
  readonly version: string
  readonly memoryUsedBytes: number
  /** Undefined where it has no limit of its own. */
  readonly memoryMaxBytes: number | undefined
  readonly aof: {
    readonly enabled: boolean
    /** Whether its last write came to the disk. */
    readonly lastWriteOk: boolean
    /** Whether it is being written anew. */
    readonly rewriting: boolean
  }
  readonly replicas: readonly RedisReplica[]
}

/** A Redis that holds timers, as it was found at the last look. */
export interface RedisNodeState {
  /** `host:port`; `redis` where it is the only one. */
  readonly name: string
  /** Reachable, verified and safe to rely on; undefined where it has no shard, so that nobody is connected to it. */
  readonly ready: boolean | undefined
  /** Shards that it serves. */
  readonly shards: number
  /** Slots of a cluster that are on their way from or to it. */
  readonly movingSlots: number
  /** Undefined while it does not answer. */
  readonly figures: RedisFigures | undefined
}
