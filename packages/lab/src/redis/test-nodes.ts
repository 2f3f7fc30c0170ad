import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeSecurity } from '@timers/local-redis'
import { type NetworkNode, NodeNetwork } from '../network/node-network.ts'
import { type TestSecurityOptions, testSecurity, urlFor } from './test-security.ts'

/** What tests may choose of a cluster and of nodes under Sentinel alike. */
export interface TestNodesOptions extends TestSecurityOptions {
  /** Where their data is kept; outlives them. Default: a temporary folder, removed by `stop()`. */
  readonly dataDir?: string
  /** Puts proxies between the nodes, and between them and everybody else. */
  readonly network?: boolean
  /** Users that get in with any password: the network tells their connections apart, `network.to(node).client(user)`. */
  readonly clients?: readonly string[]
}

/** Several Redis that are started together. */
export interface StartedNodes {
  readonly url: string
  readonly nodes: readonly NetworkNode[]
  kill(): Promise<void>
}

/** Several Redis that belong to one test file. The test must `stop()` them. */
export interface TestNodes<T extends StartedNodes> {
  /** What they are: their controls. */
  readonly redis: T
  /** For REDIS_URL, with the user if there is one. */
  readonly url: string
  /** The CA of their certificates, as a file; undefined without `tls`. */
  readonly caFile: string | undefined
  /** Faults to play; throws without `network: true`. */
  readonly network: NodeNetwork
  /** Ends them and removes their data. */
  stop(): Promise<void>
}

export async function startTestNodes<T extends StartedNodes>(
  options: TestNodesOptions,
  start: (common: NodeSecurity & { dataDir: string; announce?: NodeNetwork['announce'] }) => Promise<T>,
): Promise<TestNodes<T>> {
  if (options.network === true && options.tls === true)
    throw new Error(
      'The network of the laboratory tells nodes apart by what they say in the clear: no TLS with it.',
    )
  const folder = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'timers-redis-')))
  await mkdir(folder, { recursive: true })
  if (
    options.network === true &&
    ['cluster.json', 'sentinel.json'].some((file) => existsSync(join(folder, file)))
  )
    throw new Error(
      'Proxies get new ports, where the nodes of an earlier start do not look: take an empty folder.',
    )
  const network = options.network === true ? new NodeNetwork(options.clients) : undefined
  const cleanUp = async (): Promise<void> => {
    await network?.close()
    if (options.dataDir === undefined) await rm(folder, { recursive: true, force: true })
  }
  try {
    const security = withClients(await testSecurity(folder, options), options.clients)
    const announce = network && { announce: network.announce.bind(network) }
    const redis = await start({ dataDir: folder, ...security, ...announce })
    network?.know(() => redis.nodes)
    return {
      redis,
      url: urlFor(redis.url, options.user),
      caFile: security.tls?.caFile,
      get network() {
        if (network === undefined) throw new Error('Start it with { network: true } to play faults')
        return network
      },
      stop: async () => {
        await redis.kill()
        await cleanUp()
      },
    }
  } catch (error) {
    await cleanUp()
    throw error
  }
}

function withClients(security: NodeSecurity, clients: readonly string[] = []): NodeSecurity {
  const users = clients.map((name) => [name, 'on', 'nopass', '~*', '&*', '+@all'])
  return { ...security, users: [...(security.users ?? []), ...users] }
}
