import { eventually, startTestCluster, startTestRedis, startTestSentinel } from '@timers/lab'
import { createTimerConsumer, openShardQueues, type RedisOptions } from '../src/index.ts'
import { createRedisTimerStore } from '../src/timers/timer-store.ts'
import { firing } from './firing.ts'
import { draft } from './rig.ts'

const SILENT = { debug() {}, info() {}, warn() {}, error() {} }

/** A node as those see it who may ask it anything. */
interface Asked {
  readonly port: number
  command(...words: string[]): Promise<unknown>
}

type Found = Pick<RedisOptions, 'redisUrl' | 'redisCaFile'>

/** What an API, a worker and a dashboard open; a timer is created, sent and seen. */
async function work(found: Found, meanwhile: () => Promise<void> = async () => {}): Promise<void> {
  const options = { ...found, shards: 2, log: SILENT }
  const store = createRedisTimerStore(options)
  const queues = openShardQueues(options)
  const consumer = createTimerConsumer({ ...options, concurrency: 2, retentionDays: 1, handle: firing() })
  try {
    await consumer.start()
    const { id } = await eventually(() => store.create(draft(1)))
    await eventually(async () => expect((await store.find(id))?.status).toBe('fired'), { timeoutMs: 15_000 })
    await eventually(() => expect(queues.health()).toMatchObject({ ready: true }))
    await meanwhile()
  } finally {
    await Promise.all([consumer.stop(), queues.close(), store.close()])
  }
}

/** Where connections come in at a node, at which of its own ports; ours, if nothing else is said. */
async function portsOf(node: Asked, which = / name=timers-/): Promise<number[]> {
  const clients = String(await node.command('CLIENT', 'LIST')).split('\n')
  const ours = clients.filter((line) => which.test(line))
  return [...new Set(ours.map((line) => Number(/ laddr=\S+:(\d+) /.exec(line)?.[1])))]
}

describe('over TLS with a CA of its own', () => {
  test('a single Redis that has no other port', async () => {
    const redis = await startTestRedis({ certificate: {} })
    const { url = '', caFile = '' } = redis.tls ?? {}
    try {
      await redis.command('CONFIG', 'SET', 'port', '0')
      await expect(redis.command('PING')).rejects.toThrow(/ECONNREFUSED/)
      await work({ redisUrl: url, redisCaFile: caFile })
    } finally {
      await redis.stop()
    }
  })

  test('a cluster: each connection to each node, over a failover', async () => {
    const cluster = await startTestCluster({ tls: true })
    const { nodes } = cluster.redis
    try {
      await work({ redisUrl: cluster.url, redisCaFile: cluster.caFile }, async () => {
        for (const primary of await cluster.redis.primaries()) await cluster.redis.failover(primary)
        const seen = await eventually(async () => {
          const ports = await Promise.all(nodes.map((node) => portsOf(node)))
          expect(ports.flat().length).toBeGreaterThanOrEqual(2)
          return ports
        })
        for (const [index, ports] of seen.entries()) {
          for (const port of ports) expect(port).toBe(nodes[index]?.clientPort)
        }
      })
    } finally {
      await cluster.stop()
    }
  })

  test('Sentinels and the primary that they name, over a failover', async () => {
    const sentinel = await startTestSentinel({ tls: true })
    const { nodes, sentinels } = sentinel.redis
    try {
      await work({ redisUrl: sentinel.url, redisCaFile: sentinel.caFile }, async () => {
        const heir = await sentinel.redis.failover()
        await eventually(async () => expect(await portsOf(heir)).toEqual([heir.clientPort]), {
          timeoutMs: 10_000,
        })
        for (const node of nodes) for (const port of await portsOf(node)) expect(port).toBe(node.clientPort)
        // Sentinels do not ask one another who is primary: these are ours.
        for (const each of sentinels)
          expect(await portsOf(each, / cmd=sentinel\|sentinels /)).toEqual([each.clientPort])
      })
    } finally {
      await sentinel.stop()
    }
  })
})

/** By us: the node would take the connection, and hears no command of it. */
describe('what is not certified by that CA, now and for that host, is refused', () => {
  /** @param said in the log, once it was tried */
  async function refused(node: Asked, found: Found, said: RegExp): Promise<void> {
    const lines: string[] = []
    const say = (fields: object, line: string) => void lines.push(`${line} ${JSON.stringify(fields)}`)
    const store = createRedisTimerStore({ ...found, shards: 2, log: { ...SILENT, warn: say, error: say } })
    try {
      await eventually(() => expect(lines.join('\n')).toMatch(said))
      expect(store.health().ready).toBe(false)
      expect(await portsOf(node)).toEqual([])
    } finally {
      await store.close()
    }
  }

  const WRONGS = [
    ['another CA', {}, /SELF_SIGNED_CERT_IN_CHAIN|REDIS_CA_FILE/],
    ['an expired certificate', { expired: true }, /CERT_HAS_EXPIRED|has expired/],
    [
      'a certificate for another host',
      { host: 'redis.example' },
      /ERR_TLS_CERT_ALTNAME_INVALID|another name/,
    ],
  ] as const

  test.each(WRONGS)('%s, on a single Redis', async (_what, certificate, said) => {
    const redis = await startTestRedis({ certificate })
    try {
      const redisCaFile = certificate === WRONGS[0][1] ? undefined : redis.tls?.caFile
      await refused(redis, { redisUrl: redis.tls?.url ?? '', redisCaFile }, said)
    } finally {
      await redis.stop()
    }
  })

  test.each(WRONGS)('%s, on a cluster', async (_what, certificate) => {
    const cluster = await startTestCluster({ tls: true, certificate, primaries: 1, replicas: 0 })
    try {
      const redisCaFile = certificate === WRONGS[0][1] ? undefined : cluster.caFile
      const [node] = cluster.redis.nodes
      if (node === undefined) throw new Error('a cluster without a node')
      await refused(node, { redisUrl: cluster.url, redisCaFile }, /./)
    } finally {
      await cluster.stop()
    }
  })
})
