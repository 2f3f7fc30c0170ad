import { replicaFindings } from './replica-findings.ts'

const REPLICAS = {
  role: 'master',
  slave0: 'ip=10.0.0.1,port=6379,state=online,offset=100,lag=0',
  slave1: 'ip=10.0.0.2,port=6380,state=online,offset=100,lag=1',
  slave2: 'ip=10.0.0.3,port=6379,state=wait_bgsave,offset=0,lag=0',
}
const ONE = { role: 'master', slave0: REPLICAS.slave0 }
const NONE = { role: 'master' }

interface Case {
  readonly info: Readonly<Record<string, string>>
  readonly acks: number
  readonly minReplicas?: string
  readonly refusesAlone?: boolean
}

describe('what REDIS_REPLICA_ACKS means with the replicas that are there', () => {
  function told({ info, acks, minReplicas = '1', refusesAlone = false }: Case) {
    const findings = replicaFindings(info, minReplicas, { acks, refusesAlone })
    return findings.map(({ severity, message }) => `${severity}: ${message}`)
  }

  test.each<[string, Case, RegExp[]]>([
    [
      'none, and no replica',
      { info: NONE, acks: 0, minReplicas: '0' },
      [/^choice: no replica is connected: whoever loses the disk/],
    ],
    [
      'none, with replicas',
      { info: REPLICAS, acks: 0 },
      [/^choice: .* is 0 with 2 replicas connected: a failover may lose/],
    ],
    ['one, and the only replica', { info: ONE, acks: 1 }, []],
    [
      'one of two replicas',
      { info: REPLICAS, acks: 1 },
      [/^advice: .* must cover every replica that may be promoted.* set it to 2, or/],
    ],
    ['both of two; a third that still loads is none', { info: REPLICAS, acks: 2 }, []],
    [
      'one, and no replica',
      { info: NONE, acks: 1 },
      [/^unsafe: .* is 1 with no replica connected: creates and changes are refused/],
    ],
    [
      'two, and one replica',
      { info: ONE, acks: 2 },
      [/^unsafe: .* is 2 with 1 replica connected: .* until 2 are connected$/],
    ],
    [
      'a primary that goes on alone',
      { info: ONE, acks: 1, minReplicas: '0' },
      [/^choice: min-replicas-to-write is 0/],
    ],
    ['the same on a cluster', { info: ONE, acks: 1, minReplicas: '0', refusesAlone: true }, []],
    [
      'a primary that wants more replicas than there are',
      { info: ONE, acks: 1, minReplicas: '2' },
      [
        /^unsafe: min-replicas-to-write is 2 with 1 replica connected: Redis refuses .* until 2 are connected$/,
      ],
    ],
    [
      'the same on a cluster, where nobody waits for replicas',
      { info: NONE, acks: 0, minReplicas: '1', refusesAlone: true },
      [/^choice: no replica/, /^unsafe: min-replicas-to-write is 1 with no replica connected/],
    ],
    [
      'the same without a replica that it could be cut off from',
      { info: NONE, acks: 1, minReplicas: '0' },
      [/^unsafe/],
    ],
  ])('%s', (_name, given, expected) => {
    expect(told(given)).toEqual(expected.map((each) => expect.stringMatching(each)))
  })
})
