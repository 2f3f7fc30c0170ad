import { isIP } from 'node:net'

/**
 * IP addresses and networks as numbers. A network contains addresses of its own family only: Node's `BlockList` also
 * matches IPv4 addresses with IPv6 networks, as mapped ones, so that `::/0` there opens all of IPv4.
 */
export interface IpAddress {
  readonly family: 4 | 6
  readonly value: bigint
}

export interface IpNetwork {
  readonly family: 4 | 6
  /** The bits that do not count, from the right. */
  readonly hostBits: bigint
  /** The bits that count. */
  readonly prefix: bigint
}

/** Reads an address without brackets; a zone (`%eth0`) is ignored. Undefined where it is none. */
export function parseIp(text: string): IpAddress | undefined {
  const zone = text.indexOf('%')
  const bare = zone === -1 ? text : text.slice(0, zone)
  const family = isIP(bare)
  if (family === 0) return undefined
  return family === 4 ? { family, value: ipv4Value(bare) } : { family: 6, value: ipv6Value(bare) }
}

/** Reads `10.0.0.0/8`; undefined where it is no network. Bits behind the prefix are ignored, as by Node and Linux. */
export function parseNetwork(cidr: string): IpNetwork | undefined {
  const [, text = '', length = ''] = /^([0-9a-fA-F:.]+)\/(\d{1,3})$/.exec(cidr) ?? []
  const address = parseIp(text)
  if (address === undefined) return undefined
  const hostBits = (address.family === 4 ? 32 : 128) - Number(length)
  if (hostBits < 0) return undefined
  return {
    family: address.family,
    hostBits: BigInt(hostBits),
    prefix: address.value >> BigInt(hostBits),
  }
}

/** Makes "is this address in one of the networks?" of a list. */
export function createNetworkSet(networks: readonly IpNetwork[]): (address: IpAddress) => boolean {
  return ({ family, value }) =>
    networks.some((network) => network.family === family && value >> network.hostBits === network.prefix)
}

/** `width` bits of an IPv6 address, from bit `from`, counted from the left as the RFCs do. */
export function bitsOf(ipv6: bigint, from: number, width: number): bigint {
  return (ipv6 >> BigInt(128 - from - width)) & ((1n << BigInt(width)) - 1n)
}

function ipv4Value(text: string): bigint {
  return BigInt(text.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0))
}

function ipv6Value(text: string): bigint {
  const lastColon = text.lastIndexOf(':')
  const last = text.slice(lastColon + 1)
  if (isIP(last) === 4) {
    const tail = ipv4Value(last)
    return ipv6Value(
      `${text.slice(0, lastColon + 1)}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`,
    )
  }
  const [head = '', tail] = text.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = new Array<string>(8 - front.length - back.length).fill('0')
  const hex = [...front, ...zeros, ...back].map((group) => group.padStart(4, '0')).join('')
  return BigInt(`0x${hex}`)
}
