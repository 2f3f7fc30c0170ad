import { BlockList, isIP, isIPv4, SocketAddress } from 'node:net'

/**
 * # Where a webhook may go
 *
 * An address is one of
 * - *never*: link-local addresses and the metadata services of clouds. No setting opens them.
 * - *opened*: inside one of the CIDRs that the operator allows.
 * - *public*: IPv4 outside all special ranges of IANA; IPv6 inside 2000::/3 and outside its special ranges.
 *
 * asked in this order; anything else may not be called. An IPv4 address that is carried in an IPv6 one is judged
 * itself: mapped (`::ffff:0:0/96`) it *is* the IPv4 address; behind NAT64 (`64:ff9b::/96`) it is where the packets end.
 * In the deprecated forms (IPv4-compatible, 6to4) it can only close what would be open.
 *
 * Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries, RFC 5771 (multicast), RFC 6052 (NAT64), and the
 * documents of Azure (168.63.129.16), Alibaba (100.100.100.200), Oracle (192.0.0.192), AWS (fd00:ec2::/32) and
 * Google (fd20:ce::254) on their metadata services.
 */
export type AddressVerdict = 'allowed' | 'not public' | 'link-local or metadata' | 'not an address'

export interface AddressPolicy {
  /** Judges an IP address as text, without brackets; a zone (`%eth0`) is ignored. Pure. */
  check(address: string): AddressVerdict
}

const NEVER = [
  '169.254.0.0/16',
  '168.63.129.16/32',
  '100.100.100.200/32',
  '192.0.0.192/32',
  'fe80::/10',
  'fd00:ec2::/32',
  'fd20:ce::254/128',
]

const SPECIAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]

const GLOBAL_IPV6 = ['2000::/3']
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

/**
 * The rules with the CIDRs that an operator opens, such as `10.1.0.0/16` and `fd12::/16`.
 *
 * @throws RangeError where one is none; the message tells which by its place, and does not quote it
 */
export function createAddressPolicy(options: { readonly allowCidrs: readonly string[] }): AddressPolicy {
  const never = blockList(NEVER)
  const opened = blockList(options.allowCidrs)
  const specialIpv4 = blockList(SPECIAL_IPV4)
  const globalIpv6 = blockList(GLOBAL_IPV6)
  const specialIpv6 = blockList(SPECIAL_IPV6)

  const checkIpv4 = (text: string): AddressVerdict => {
    const address = new SocketAddress({ address: text, family: 'ipv4' })
    if (never.check(address)) return 'link-local or metadata'
    if (opened.check(address)) return 'allowed'
    return specialIpv4.check(address) ? 'not public' : 'allowed'
  }
  const checkIpv6 = (text: string): AddressVerdict => {
    const carried = carriedIpv4(text)
    if (carried?.form === 'mapped' || carried?.form === 'nat64') return checkIpv4(carried.address)
    const address = new SocketAddress({ address: text, family: 'ipv6' })
    if (never.check(address)) return 'link-local or metadata'
    if (carried !== undefined && never.check(carried.address, 'ipv4')) return 'link-local or metadata'
    if (opened.check(address)) return 'allowed'
    return globalIpv6.check(address) && !specialIpv6.check(address) ? 'allowed' : 'not public'
  }
  return {
    check: remembered((address) => {
      const zone = address.indexOf('%')
      const bare = zone === -1 ? address : address.slice(0, zone)
      const family = isIP(bare)
      if (family === 0) return 'not an address'
      return family === 4 ? checkIpv4(bare) : checkIpv6(bare)
    }),
  }
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

function blockList(cidrs: readonly string[]): BlockList {
  const list = new BlockList()
  for (const [index, cidr] of cidrs.entries()) {
    const [, network = '', prefix = ''] = /^([0-9a-fA-F:.]+)\/(\d{1,3})$/.exec(cidr) ?? []
    const family = isIP(network)
    const bits = Number(prefix)
    // A mapped network would never match: mapped addresses are judged as the IPv4 addresses that they are.
    const mapped = family === 6 && carriedIpv4(network)?.form === 'mapped'
    if (family === 0 || mapped || bits > (family === 4 ? 32 : 128)) {
      throw new RangeError(`entry ${index + 1} is not a CIDR such as 10.0.0.0/8 or fd00::/8`)
    }
    list.addSubnet(network, bits, family === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}

interface CarriedIpv4 {
  readonly form: 'mapped' | 'nat64' | 'compatible' | '6to4'
  readonly address: string
}

function carriedIpv4(ipv6: string): CarriedIpv4 | undefined {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groupsOf(ipv6)
  const tail = dotted(g, h)
  if (a === 0 && b === 0 && c === 0 && d === 0 && e === 0) {
    if (f === 0xffff) return { form: 'mapped', address: tail }
    if (f === 0) return { form: 'compatible', address: tail }
  }
  if (a === 0x64 && b === 0xff9b && c === 0 && d === 0 && e === 0 && f === 0) {
    return { form: 'nat64', address: tail }
  }
  return a === 0x2002 ? { form: '6to4', address: dotted(b, c) } : undefined
}

function dotted(high: number, low: number): string {
  return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`
}

/** The eight 16-bit groups of a valid IPv6 address. */
function groupsOf(ipv6: string): number[] {
  const lastColon = ipv6.lastIndexOf(':')
  const last = ipv6.slice(lastColon + 1)
  let text = ipv6
  if (isIPv4(last)) {
    const [a = 0, b = 0, c = 0, d = 0] = last.split('.').map(Number)
    text = `${ipv6.slice(0, lastColon + 1)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  }
  const [head = '', tail] = text.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = new Array<string>(8 - front.length - back.length).fill('0')
  return [...front, ...zeros, ...back].map((group) => Number.parseInt(group, 16))
}
