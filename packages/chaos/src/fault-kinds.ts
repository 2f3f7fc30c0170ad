/**
 * # The faults
 *
 * A lane is a sequence of faults one after the other; lanes overlap. `api` and `worker` are lanes for each process, `network`
 * two lanes over the connections of one, several or all processes to Redis.
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
  readonly lane: 'api' | 'worker' | 'redis' | 'rewrite' | 'network'
  /** Shortest and longest. */
  readonly lastsMs: readonly [number, number]
  readonly says: string
}

export type FaultKind = keyof typeof FAULT_KINDS
export type Lane = FaultKindFacts['lane']

export const ALL_FAULTS = Object.keys(FAULT_KINDS) as FaultKind[]

export function kindsOfLane(lane: Lane, enabled: readonly FaultKind[]): FaultKind[] {
  return enabled.filter((kind) => FAULT_KINDS[kind].lane === lane)
}
