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
 */
export function readClusterNodes(text: string, asked: Address): ClusterNode[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => readNode(line.trim().split(' '), asked))
    .filter((node) => node !== undefined)
}

function readNode(words: readonly string[], asked: Address): ClusterNode | undefined {
  const [id = '', place = '', flagText = '', primary = '-', , , epoch = '0', , ...slots] = words
  const flags = flagText.split(',')
  if (flags.includes('handshake') || flags.includes('noaddr')) return undefined
  return {
    id,
    address: readAddress(place, asked),
    myself: flags.includes('myself'),
    role: flags.includes('master') ? 'primary' : 'replica',
    primaryId: primary === '-' ? undefined : primary,
    failing: flags.includes('fail') || flags.includes('fail?'),
    epoch: Number(epoch),
    slots: slots.filter((each) => !each.startsWith('[')).map(readRange),
    moving: slots.filter((each) => each.startsWith('[')).map((each) => Number.parseInt(each.slice(1), 10)),
  }
}

/** An announced host name comes before the address: behind TLS only the name may be right. */
function readAddress(place: string, asked: Address): string {
  const [where = '', name = ''] = place.split(',')
  const { host, port } = toAddress(where.replace(/@\d+$/, ''))
  return addressText({ host: name || host || asked.host, port: port || asked.port })
}

function readRange(text: string): readonly [number, number] {
  const [first = 0, last = first] = text.split('-').map(Number)
  return [first, last]
}
