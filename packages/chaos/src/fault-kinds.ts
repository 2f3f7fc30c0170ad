export const REDIS_KINDS = ['single', 'cluster', 'sentinel'] as const
/** What the timers lie in: one Redis, a cluster, or a primary with replicas under Sentinels. */
export type RedisKind = (typeof REDIS_KINDS)[number]

const NODES: readonly RedisKind[] = ['cluster', 'sentinel']
const CLUSTER: readonly RedisKind[] = ['cluster']
const SENTINEL: readonly RedisKind[] = ['sentinel']

/**
 * # The faults
 *
 * A lane is a sequence of faults one after the other; lanes overlap. `api` and `worker` are lanes for each process, `network`
 * two lanes over the connections of one, several or all processes to Redis.
 *
 * Where there are several nodes, those of the lane `redis` are done to one that the plan chooses, and the rule is: one at a
 * time, and no other before the nodes are at full strength again, every primary with all its replicas in step; one whose time comes
 * before that is left out. Two copies of a shard that are gone, or a node that fails in the middle of a move of slots (which a promoted replica knows nothing of),
 * are more than anybody promises.
 */
export const FAULT_KINDS = {
  'api-kill': { lane: 'api', lastsMs: [200, 4_000], says: 'kill -9, started again' },
  'api-term': { lane: 'api', lastsMs: [200, 4_000], says: 'SIGTERM, started again' },
  'worker-kill': { lane: 'worker', lastsMs: [200, 6_000], says: 'kill -9, started again' },
  'worker-term': { lane: 'worker', lastsMs: [200, 6_000], says: 'SIGTERM, started again' },
  'worker-stop': {
    lane: 'worker',
    lastsMs: [7_000, 12_000],
    says: 'SIGSTOP for longer than the lock, SIGCONT',
  },
  'redis-kill': { lane: 'redis', lastsMs: [200, 5_000], says: 'kill -9, started again on the same data' },
  'redis-tail': {
    lane: 'redis',
    lastsMs: [200, 3_000],
    says: 'kill -9, the last record cut short, started again',
  },
  'redis-disk': {
    lane: 'redis',
    lastsMs: [2_000, 6_000],
    says: 'no room for the AOF, then room and a new start',
  },
  'redis-oom': { lane: 'redis', lastsMs: [1_000, 8_000], says: 'out of memory (maxmemory)' },
  'primary-lost': {
    lane: 'redis',
    on: NODES,
    lastsMs: [1_000, 4_000],
    says: 'a primary killed for good with its disk; a new node takes its place as a replica',
  },
  'primary-freeze': {
    lane: 'redis',
    on: NODES,
    lastsMs: [10_000, 10_000],
    says: 'a primary SIGSTOPped for 10 s, a replica takes over, SIGCONT',
  },
  'primary-cut': {
    lane: 'redis',
    on: NODES,
    lastsMs: [5_000, 9_000],
    says: 'a primary cut off from all other nodes, and not from the services',
  },
  failover: { lane: 'redis', on: NODES, lastsMs: [500, 2_000], says: 'a planned failover' },
  'replica-kill': {
    lane: 'redis',
    on: NODES,
    lastsMs: [500, 5_000],
    says: 'a replica: kill -9, started again',
  },
  'replica-freeze': {
    lane: 'redis',
    on: NODES,
    lastsMs: [2_000, 8_000],
    says: 'a replica: SIGSTOP, SIGCONT',
  },
  'slots-move': {
    lane: 'redis',
    on: CLUSTER,
    lastsMs: [200, 2_000],
    says: "a shard's slot moved to another primary, a few keys at a time",
  },
  'node-join': {
    lane: 'redis',
    on: CLUSTER,
    lastsMs: [2_000, 5_000],
    says: 'a primary and its replicas added, given the slots of two shards, and removed again',
  },
  'sentinel-kill': {
    lane: 'redis',
    on: SENTINEL,
    lastsMs: [1_000, 6_000],
    says: 'a Sentinel: kill -9, started again',
  },
  'shards-grow': {
    lane: 'shards',
    on: NODES,
    lastsMs: [0, 0],
    says: 'npm run shards -- --grow, one more of them, again until it is done',
  },
  'redis-flush': { lane: 'rewrite', on: NODES, lastsMs: [0, 0], says: 'SCRIPT FLUSH on one node' },
  'redis-rewrite': { lane: 'rewrite', lastsMs: [0, 0], says: 'BGREWRITEAOF' },
  'net-drop': { lane: 'network', lastsMs: [1_000, 10_000], says: 'every byte is lost' },
  'net-stall': { lane: 'network', lastsMs: [1_000, 9_000], says: 'bytes are held back, then delivered' },
  'net-late-requests': {
    lane: 'network',
    lastsMs: [2_000, 12_000],
    says: 'commands are held back, longer than a lock lasts, then delivered',
  },
  'net-late-replies': {
    lane: 'network',
    lastsMs: [2_000, 12_000],
    says: 'commands run, their replies come late, after the lock has run out',
  },
  'net-late-some': {
    lane: 'network',
    lastsMs: [7_000, 12_000],
    says: 'the same on some of the connections only',
  },
  'net-refuse': { lane: 'network', lastsMs: [500, 8_000], says: 'connections are refused' },
  'net-reset': { lane: 'network', lastsMs: [200, 4_000], says: 'connections are reset' },
  'net-delay': { lane: 'network', lastsMs: [3_000, 12_000], says: 'bytes come late' },
  'net-cut': { lane: 'network', lastsMs: [500, 4_000], says: 'commands run, their replies are lost' },
} as const satisfies Record<string, FaultKindFacts>

interface FaultKindFacts {
  /** Default: wherever the timers lie. */
  readonly on?: readonly RedisKind[]
  readonly lane: 'api' | 'worker' | 'redis' | 'rewrite' | 'shards' | 'network'
  /** Shortest and longest. */
  readonly lastsMs: readonly [number, number]
  readonly says: string
}

export type FaultKind = keyof typeof FAULT_KINDS
export type Lane = FaultKindFacts['lane']

export const ALL_FAULTS = Object.keys(FAULT_KINDS) as FaultKind[]

/** Those that can be done to such a Redis. */
export function faultsOn(redis: RedisKind): FaultKind[] {
  return ALL_FAULTS.filter((kind) => {
    const { on }: FaultKindFacts = FAULT_KINDS[kind]
    return on === undefined || on.includes(redis)
  })
}

export function kindsOfLane(lane: Lane, enabled: readonly FaultKind[]): FaultKind[] {
  return enabled.filter((kind) => FAULT_KINDS[kind].lane === lane)
}
