import { existsSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { OWN_CLUSTER } from '../own-cluster.mjs'

interface Service {
  image?: string
  command?: string[]
  environment?: Record<string, unknown>
  ports?: string[]
  volumes?: string[]
  networks?: { redis: { ipv4_address: string } }
  depends_on?: Record<string, unknown>
  healthcheck?: unknown
}

interface Compose {
  services: Record<string, Service>
  volumes: Record<string, unknown>
  networks?: { redis: { ipam: { config: { subnet: string; ip_range?: string }[] } } }
}

const ROOT = new URL('../../', import.meta.url)
const read = (file: string): Compose =>
  parse(readFileSync(new URL(file, ROOT), 'utf8'), { merge: true }) as Compose

const single = read('docker-compose.yml')
const cluster = read('docker-compose.cluster.yml')
const nodes = Object.entries(cluster.services).filter(([name]) => /^redis-\d$/.test(name))
const addresses = nodes.map(([, node]) => node.networks?.redis.ipv4_address ?? '')

/** A service without what a cluster changes: the Redis that it uses, and how it reaches that. */
function withoutRedis({ environment, depends_on, networks, ...rest }: Service) {
  const { REDIS_URL, TIMER_SHARDS, REDIS_REPLICA_ACKS, ...settings } = environment ?? {}
  return { ...rest, settings }
}

test.each([
  ['docker-compose.yml', single],
  ['docker-compose.cluster.yml', cluster],
])('%s publishes nothing beyond this machine unless it is told to', (_file, { services }) => {
  const published = Object.entries(services).filter(([, { ports }]) => ports !== undefined)
  expect(published.map(([name, { ports }]) => [name, ports])).toEqual([
    ['api', [expect.stringMatching(/^\$\{API_ADDRESS:-127\.0\.0\.1\}:/)]],
    ['dashboard', [expect.stringMatching(/^127\.0\.0\.1:/)]],
  ])
})

describe('docker-compose.cluster.yml', () => {
  test.each(['api', 'worker', 'dashboard'])('its %s is the one of docker-compose.yml', (name) => {
    const [one, other] = [cluster.services[name], single.services[name]]
    expect(withoutRedis(one ?? {})).toEqual(withoutRedis(other ?? {}))
    expect(one?.depends_on).toHaveProperty('redis-cluster')
    expect(one?.networks).toEqual(['redis'])
  })

  test('has no other services', () => {
    const names = ['api', 'dashboard', 'redis-cluster', 'worker', ...nodes.map(([name]) => name)]
    expect(Object.keys(cluster.services).sort()).toEqual(names.sort())
  })

  test('services know every node of six', () => {
    expect(nodes).toHaveLength(6)
    const hosts = nodes.map(([name]) => `${name}:6379`)
    for (const name of ['api', 'worker', 'dashboard']) {
      expect(cluster.services[name]?.environment?.REDIS_URL).toBe(`redis+cluster://${hosts.join()}`)
    }
  })

  test('shards on every primary, and a replica that has what counts; the shell may say otherwise', () => {
    for (const name of ['api', 'worker', 'dashboard']) {
      expect(cluster.services[name]?.environment).toMatchObject(
        Object.fromEntries(
          Object.entries(OWN_CLUSTER.settings).map(([setting, value]) => [
            setting,
            ['$', `{${setting}:-${value}}`].join(''),
          ]),
        ),
      )
    }
  })

  test('each node is the Redis of docker-compose.yml, as part of a cluster', () => {
    const { command: alone = [], volumes: _, ...redis } = single.services.redis ?? {}
    for (const [, { command = [], volumes, networks, ...node }] of nodes) {
      expect(node).toEqual(redis)
      expect(command.slice(0, alone.length)).toEqual(alone)
      const own = command.slice(alone.length)
      const settings = Object.fromEntries(
        own.flatMap((word, at) => (at % 2 === 0 ? [[word, own[at + 1]]] : [])),
      )
      expect(settings).toEqual({
        '--cluster-enabled': 'yes',
        '--cluster-node-timeout': '2000',
        '--cluster-require-full-coverage': 'no',
        '--min-replicas-to-write': '$' + '{MIN_REPLICAS_TO_WRITE:-0}',
        '--min-replicas-max-lag': '2',
      })
      expect(volumes?.[0]).toBe('./redis.conf:/etc/redis/redis.conf:ro')
    }
    expect(existsSync(new URL('redis.conf', ROOT))).toBe(true)
  })

  test('each node has a volume of its own, and an address of its own in the network', () => {
    const mounted = nodes.map(([, { volumes = [] }]) => volumes[1])
    expect(mounted).toEqual(nodes.map(([name]) => `${name}-data:/data`))
    expect(Object.keys(cluster.volumes)).toEqual(nodes.map(([name]) => `${name}-data`))
    const { subnet = '', ip_range } = cluster.networks?.redis.ipam.config[0] ?? {}
    const network = subnet.replace(/\.0\/24$/, '')
    expect(addresses).toEqual(nodes.map((_, index) => `${network}.${11 + index}`))
    // Addresses below it are given to nobody else: a node that is back finds its own free.
    expect(ip_range).toBe(`${network}.128/25`)
  })

  test('a cluster is made of all nodes, when all answer', () => {
    const { command = [], depends_on, volumes = [] } = cluster.services['redis-cluster'] ?? {}
    expect(depends_on).toEqual(
      Object.fromEntries(nodes.map(([name]) => [name, { condition: 'service_healthy' }])),
    )
    expect(command).toEqual(['sh', '/make-cluster.sh', ...addresses.map((address) => `${address}:6379`)])
    expect(volumes).toEqual(['./deploy/redis/make-cluster.sh:/make-cluster.sh:ro'])
  })
})
