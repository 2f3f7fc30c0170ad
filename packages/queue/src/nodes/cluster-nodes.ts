import { type Address, addressText, toAddress } from '@timers/core'

/** A node of a cluster as another one, or itself, describes it. */
export interface ClusterNode {
  readonly id: string
  /** `host:port` for clients. */
  readonly address: string
  /** The one that was asked. */
  readonly myself: boolean
  readonly role: 'primary' | 'replica'
  /** Id of the primary that it copies. */
  readonly primaryId: string | undefined
  /** Whether the others hold it for dead, or may do so soon. */
  readonly failing: boolean
  /** Of two nodes that claim a slot the one with the higher epoch has it. */
  readonly epoch: number
  /** Ranges of slots, both ends included. */
  readonly slots: readonly (readonly [first: number, last: number])[]
  /** Slots on their way from or to another node; a node tells this of itself only. */
  readonly moving: readonly number[]
}

/**
 * Reads what `CLUSTER NODES` answers (https://redis.io/docs/latest/commands/cluster-nodes/): a line a node,
 * `<id> <ip:port@cport[,hostname]> <flags> <primary> <ping> <pong> <epoch> <link> <slot> ...`.
 *
 * @param asked where the node was asked: one that does not know its own address leaves it out
 * @param endpoints of nodes, by their ids, where they are known: the line has the IP address, whatever clients are to use
 */
export function readClusterNodes(
  text: string,
  asked: Address,
  endpoints: ReadonlyMap<string, string> = new Map(),
): ClusterNode[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => readNode(line.trim().split(' '), asked, endpoints))
    .filter((node) => node !== undefined)
}

/**
 * Reads of `CLUSTER SLOTS` what nodes that serve slots are to be called by clients, by their ids: an IP address or a host name
 * (`cluster-preferred-endpoint-type`), and as it is in redirections. Its form:
 * `[[first, last, [endpoint, port, id, ...], [endpoint, port, id, ...]], ...]`.
 */
export function readEndpoints(reply: unknown, asked: Address): Map<string, string> {
  const endpoints = new Map<string, string>()
  for (const [, , ...nodes] of reply as readonly (readonly unknown[])[]) {
    for (const node of nodes) {
      const [host, port, id] = node as readonly [string | null, number, string | undefined]
      const address = endpointOf(`${host ?? ''}:${port}`, asked)
      if (id !== undefined && address !== undefined) endpoints.set(id, address)
    }
  }
  return endpoints
}

/**
 * The address that a node names, as clients are to use it: without a host, the one at which it was asked; undefined where it
 * does not know the host (`?`).
 */
export function endpointOf(text: string, asked: Address): string | undefined {
  const { host, port } = toAddress(text)
  return host === '?' ? undefined : addressText({ host: host || asked.host, port: port || asked.port })
}

function readNode(
  words: readonly string[],
  asked: Address,
  endpoints: ReadonlyMap<string, string>,
): ClusterNode | undefined {
  const [id = '', place = '', flagText = '', primary = '-', , , epoch = '0', , ...slots] = words
  const flags = flagText.split(',')
  if (flags.includes('handshake') || flags.includes('noaddr')) return undefined
  const [where = ''] = place.split(',')
  const address = endpoints.get(id) ?? endpointOf(where.replace(/@\d+$/, ''), asked)
  if (address === undefined) return undefined
  return {
    id,
    address,
    myself: flags.includes('myself'),
    role: flags.includes('master') ? 'primary' : 'replica',
    primaryId: primary === '-' ? undefined : primary,
    failing: flags.includes('fail') || flags.includes('fail?'),
    epoch: Number(epoch),
    slots: slots.filter((each) => !each.startsWith('[')).map(readRange),
    moving: slots.filter((each) => each.startsWith('[')).map((each) => Number.parseInt(each.slice(1), 10)),
  }
}

function readRange(text: string): readonly [number, number] {
  const [first = 0, last = first] = text.split('-').map(Number)
  return [first, last]
}
