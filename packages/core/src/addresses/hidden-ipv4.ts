import { bitsOf } from './ip-network.ts'

/**
 * The IPv4 addresses that an IPv6 address may stand for, on some machine or behind some router.
 *
 * - `is`: the IPv4 address in its IPv6 spelling, or the one that a public translator sends it to. It is judged alone.
 * - `hides`: tunnels and translators. The packets may end at any of these: all must be allowed, and the IPv6 address too.
 */
export interface HiddenIpv4 {
  readonly is?: bigint
  readonly hides: readonly bigint[]
}

interface Form {
  readonly name: string
  readonly source: string
  readonly fits: (ipv6: bigint) => boolean
  readonly hides: (ipv6: bigint) => readonly bigint[]
}

const startsWith =
  (prefix: bigint, length: number) =>
  (ipv6: bigint): boolean =>
    ipv6 >> BigInt(128 - length) === prefix

const last32 = (ipv6: bigint): readonly bigint[] => [bitsOf(ipv6, 96, 32)]

/** Forms that are nothing but the IPv4 address. */
const SPELLINGS: readonly Form[] = [
  { name: 'IPv4-mapped', source: 'RFC 4291, 2.5.5.2', fits: startsWith(0xffffn, 96), hides: last32 },
  {
    name: 'NAT64',
    source: 'RFC 6052, 2.1',
    fits: startsWith(0x64_ff9b_0000_0000_0000_0000n, 96),
    hides: last32,
  },
]

const DISGUISES: readonly Form[] = [
  {
    name: 'IPv4-compatible, deprecated',
    source: 'RFC 4291, 2.5.5.1',
    // `::` and `::1` look like 0.0.0.0 and 0.0.0.1, and are addresses of their own.
    fits: (ipv6) => ipv6 > 1n && startsWith(0n, 96)(ipv6),
    hides: last32,
  },
  { name: 'IPv4-translated', source: 'RFC 2765, 2.1', fits: startsWith(0xffff_0000n, 96), hides: last32 },
  {
    name: '6to4',
    source: 'RFC 3056, 2',
    fits: startsWith(0x2002n, 16),
    hides: (ipv6) => [bitsOf(ipv6, 16, 32)],
  },
  {
    name: 'Teredo: the server, and the client with all bits turned',
    source: 'RFC 4380, 4',
    fits: startsWith(0x2001_0000n, 32),
    hides: (ipv6) => [bitsOf(ipv6, 32, 32), bitsOf(ipv6, 96, 32) ^ 0xffff_ffffn],
  },
  {
    name: 'ISATAP, in any network; two bits of its mark are flags',
    source: 'RFC 5214, 6.1',
    fits: (ipv6) => (bitsOf(ipv6, 64, 32) & 0xfcff_ffffn) === 0x5efen,
    hides: last32,
  },
  {
    name: 'NAT64, local use',
    source: 'RFC 8215; RFC 6052, 2.2',
    fits: startsWith(0x64_ff9b_0001n, 48),
    hides: localNat64,
  },
]

/**
 * The translator's prefix may be 48, 56, 64 or 96 bits long, and only its operator knows: every reading counts.
 *
 * Except that of the padding before a 96-bit prefix's address: the shorter prefixes read `64:ff9b:1::8.8.8.8` as
 * 0.0.0.0 and 0.0.0.8.
 */
function localNat64(ipv6: bigint): readonly bigint[] {
  const behindShortPrefix = [48, 56, 64].map((length) => {
    // Bits 64 to 71 are no part of the address.
    const before = 64 - length
    return (bitsOf(ipv6, length, before) << BigInt(32 - before)) | bitsOf(ipv6, 72, 32 - before)
  })
  return [...behindShortPrefix.filter((ipv4) => ipv4 >> 24n !== 0n), ...last32(ipv6)]
}

export function hiddenIpv4(ipv6: bigint): HiddenIpv4 {
  const spelling = SPELLINGS.find(({ fits }) => fits(ipv6))
  const [is] = spelling?.hides(ipv6) ?? []
  if (is !== undefined) return { is, hides: [] }
  return { hides: DISGUISES.filter(({ fits }) => fits(ipv6)).flatMap(({ hides }) => hides(ipv6)) }
}
