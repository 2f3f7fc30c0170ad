import type { Address } from '@timers/core'
import type { Redis } from 'ioredis'

/** What a Sentinel says of the primary that it watches. */
export interface SentinelView {
  readonly primary: Address
  /** Which promotion made it primary: of two that are named, the one with the higher epoch is. */
  readonly epoch: number
  /** Whether it is there, for all that this Sentinel knows, and nobody takes over from it. */
  readonly isWell: boolean
  /** The replica that this Sentinel was elected to promote, and is promoting. */
  readonly chosen: Address | undefined
  /** Where the other Sentinels are. */
  readonly others: readonly Address[]
}

type Fields = Readonly<Record<string, string | undefined>>

/**
 * Asks all in one write. The epoch first: should a promotion come in between, an old epoch stands beside a new address, and never
 * a new one beside an old address.
 *
 * The Sentinel that promotes names the new primary by its address at once, and in `SENTINEL MASTER` only when the other replicas
 * follow it; the epoch is the new one in both (https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/).
 *
 * @throws whatever the connection throws, and where it watches no primary of that name
 */
export async function askSentinel(redis: Redis, name: string): Promise<SentinelView> {
  const ask = (command: string) => redis.call('SENTINEL', command, name)
  const [master, address, replicas, sentinels] = await Promise.all(
    ['MASTER', 'GET-MASTER-ADDR-BY-NAME', 'REPLICAS', 'SENTINELS'].map(ask),
  )
  const fields = toFields(master)
  if (!Array.isArray(address)) throw new Error('ERR No such master with that name')
  return {
    primary: { host: String(address[0]), port: Number(address[1]) },
    epoch: Number(fields['config-epoch'] ?? 0),
    isWell: fields.flags === 'master',
    chosen: listOf(replicas)
      .filter(({ flags }) => flags?.split(',').includes('promoted'))
      .map(addressOf)[0],
    others: listOf(sentinels).map(addressOf),
  }
}

/** Whether a server says of itself that it is primary. */
export async function saysPrimary(redis: Redis): Promise<boolean> {
  return /^role:master\b/m.test(await redis.info('replication'))
}

function listOf(reply: unknown): Fields[] {
  return Array.isArray(reply) ? reply.map(toFields) : []
}

/** Names and values, one after the other. */
function toFields(reply: unknown): Fields {
  const words = Array.isArray(reply) ? reply.map(String) : []
  const pairs = words.flatMap((word, at) => (at % 2 === 0 ? [[word, words[at + 1]] as const] : []))
  return Object.fromEntries(pairs)
}

function addressOf({ ip = '', port }: Fields): Address {
  return { host: ip, port: Number(port) }
}
