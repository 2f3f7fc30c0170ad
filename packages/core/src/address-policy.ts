import { isIP } from 'node:net'
import type { AddressRange } from './addresses/address-range.ts'
import { hiddenIpv4 } from './addresses/hidden-ipv4.ts'
import {
  createNetworkSet,
  type IpAddress,
  type IpNetwork,
  parseIp,
  parseNetwork,
} from './addresses/ip-network.ts'
import { LINK_LOCAL, METADATA } from './addresses/metadata-addresses.ts'
import { GLOBAL_IPV6, SPECIAL_IPV4, SPECIAL_IPV6 } from './addresses/special-ranges.ts'

/**
 * # Where a webhook may go
 *
 * An address is one of
 * - *never*: link-local addresses and the metadata services of clouds. No setting opens them, in no disguise.
 * - *opened*: inside one of the CIDRs of its own family that the operator allows.
 * - *public*: IPv4 outside all special ranges of IANA; IPv6 inside 2000::/3 and outside its special ranges.
 *
 * asked in this order; anything else may not be called. An IPv4 address in IPv6 is judged itself: mapped
 * (`::ffff:0:0/96`) it *is* the IPv4 address; behind NAT64 (`64:ff9b::/96`) it is where the packets end. In all other
 * forms (addresses/hidden-ipv4.ts) it can only close what would be open: an IPv6 network never opens IPv4.
 *
 * The tables, with their sources: addresses/special-ranges.ts and addresses/metadata-addresses.ts.
 */
export type AddressVerdict = 'allowed' | 'not public' | 'link-local or metadata' | 'not an address'

export interface AddressPolicy {
  /** Judges an IP address as text, without brackets; a zone (`%eth0`) is ignored. Pure. */
  check(address: string): AddressVerdict
}

/**
 * The rules with the CIDRs that an operator opens, such as `10.1.0.0/16` and `fd12::/16`.
 *
 * @throws RangeError where one is none; the message tells which by its place, and does not quote it
 */
export function createAddressPolicy(options: { readonly allowCidrs: readonly string[] }): AddressPolicy {
  const isOpened = createNetworkSet(options.allowCidrs.map(openedNetwork))

  const judgeAlone = (address: IpAddress): AddressVerdict => {
    if (isNever(address)) return 'link-local or metadata'
    return isOpened(address) || isPublic(address) ? 'allowed' : 'not public'
  }
  const judge = (address: IpAddress): AddressVerdict => {
    if (address.family === 4) return judgeAlone(address)
    const { is, hides } = hiddenIpv4(address.value)
    if (is !== undefined) return judgeAlone({ family: 4, value: is })
    if (isMetadata(lastPart(address))) return 'link-local or metadata'
    return strictest([address, ...hides.map(ipv4)].map(judgeAlone))
  }
  return {
    check: remembered((text) => {
      const address = parseIp(text)
      return address === undefined ? 'not an address' : judge(address)
    }),
  }
}

const isMetadata = setOf(METADATA)
const isNever = setOf([...METADATA, ...LINK_LOCAL])
const isSpecial = setOf([...SPECIAL_IPV4, ...SPECIAL_IPV6])
const isGlobalIpv6 = setOf(GLOBAL_IPV6)

function isPublic(address: IpAddress): boolean {
  return (address.family === 4 || isGlobalIpv6(address)) && !isSpecial(address)
}

/**
 * The last 32 bits: where a NAT64 with a prefix of the operator's own, which nobody tells us, has the IPv4 address
 * (RFC 6052, 2.2). No receiver has a metadata address there by chance.
 */
function lastPart({ value }: IpAddress): IpAddress {
  return ipv4(value & 0xffff_ffffn)
}

function ipv4(value: bigint): IpAddress {
  return { family: 4, value }
}

function strictest(verdicts: readonly AddressVerdict[]): AddressVerdict {
  return (
    verdicts.find((verdict) => verdict === 'link-local or metadata') ??
    verdicts.find((verdict) => verdict !== 'allowed') ??
    'allowed'
  )
}

function openedNetwork(cidr: string, index: number): IpNetwork {
  const network = parseNetwork(cidr)
  const start = parseIp(cidr.slice(0, cidr.indexOf('/')))
  // A mapped network would never match: mapped addresses are judged as the IPv4 addresses that they are.
  const mapped = start?.family === 6 && start.value >> 32n === 0xffffn
  if (network === undefined || mapped) {
    throw new RangeError(`entry ${index + 1} is not a CIDR such as 10.0.0.0/8 or fd00::/8`)
  }
  return network
}

function setOf(ranges: readonly AddressRange[]): (address: IpAddress) => boolean {
  return createNetworkSet(
    ranges.map(({ range }) => {
      const network = parseNetwork(range)
      if (network === undefined) throw new Error(`${range} in a table is no network`)
      return network
    }),
  )
}

/** Verdicts that are remembered: the same few receivers are judged twice a webhook, at several microseconds. */
const MOST_REMEMBERED = 1_000

function remembered(judge: (address: string) => AddressVerdict): (address: string) => AddressVerdict {
  const verdicts = new Map<string, AddressVerdict>()
  return (address) => {
    const known = verdicts.get(address)
    if (known !== undefined) return known
    const verdict = judge(address)
    if (verdicts.size === MOST_REMEMBERED) verdicts.clear()
    verdicts.set(address, verdict)
    return verdict
  }
}

/**
 * The IP address that a URL names itself, without brackets; undefined where it names a host to be looked up.
 * Decimal, octal and hex spellings, full-width digits and a trailing dot are all made canonical by the URL parser.
 *
 * @throws TypeError where the text is not a URL
 */
export function literalAddress(url: string | URL): string | undefined {
  const { hostname } = typeof url === 'string' ? new URL(url) : url
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return isIP(bare) === 0 ? undefined : bare
}
