import fc from 'fast-check'
import { createAddressPolicy, literalAddress } from './address-policy.ts'
import { LINK_LOCAL, METADATA } from './addresses/metadata-addresses.ts'
import { GLOBAL_IPV6, SPECIAL_IPV4, SPECIAL_IPV6 } from './addresses/special-ranges.ts'

const ipv4Text = (value: number): string => [24, 16, 8, 0].map((by) => (value >>> by) & 0xff).join('.')
const ipv6Text = (value: bigint): string =>
  (value.toString(16).padStart(32, '0').match(/.{4}/g) ?? []).join(':')
const ipv4Number = (text: string): number =>
  text.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
const place = (value: number, lastBit: number): bigint => BigInt(value) << BigInt(128 - lastBit)

/** Both ends of a CIDR of IPv4. */
const edges = (cidr: string): number[] => {
  const [net = '', bits = ''] = cidr.split('/')
  return [ipv4Number(net), ipv4Number(net) + 2 ** (32 - Number(bits)) - 1]
}

/** Every form that carries IPv4, written anew in arithmetic; `rest` fills what the form leaves free. */
const DISGUISES: readonly (readonly [string, (ipv4: number, rest: bigint) => bigint])[] = [
  ['mapped', (ipv4) => 0xffff_0000_0000n | BigInt(ipv4)],
  ['compatible', (ipv4) => BigInt(ipv4)],
  ['translated', (ipv4) => (0xffffn << 48n) | BigInt(ipv4)],
  ['NAT64', (ipv4) => (0x64_ff9bn << 96n) | BigInt(ipv4)],
  ['local NAT64, 48 bits', (ipv4, rest) => local(ipv4, 48, rest)],
  ['local NAT64, 56 bits', (ipv4, rest) => local(ipv4, 56, rest)],
  ['local NAT64, 64 bits', (ipv4, rest) => local(ipv4, 64, rest)],
  ['local NAT64, 96 bits', (ipv4, rest) => LOCAL | ((rest & 0xffff_ffff_ffffn) << 32n) | BigInt(ipv4)],
  ['6to4', (ipv4, rest) => (0x2002n << 112n) | place(ipv4, 48) | (rest & (2n ** 80n - 1n))],
  ['Teredo server', (ipv4, rest) => (0x2001n << 112n) | place(ipv4, 64) | (rest & (2n ** 64n - 1n))],
  [
    'Teredo client',
    (ipv4, rest) => (0x2001n << 112n) | ((rest & (2n ** 64n - 1n)) << 32n) | (BigInt(ipv4) ^ 0xffff_ffffn),
  ],
  ['ISATAP', (ipv4, rest) => ((rest & (2n ** 64n - 1n)) << 64n) | (0x5efen << 32n) | BigInt(ipv4)],
  [
    'ISATAP, global',
    (ipv4, rest) => ((rest & (2n ** 64n - 1n)) << 64n) | (0x200_5efen << 32n) | BigInt(ipv4),
  ],
]
const LOCAL = 0x64_ff9b_0001n << 80n

/** RFC 6052, 2.2: the address goes around bits 64 to 71. */
function local(ipv4: number, length: number, rest: bigint): bigint {
  const before = 64 - length
  const low = BigInt(ipv4) & (2n ** BigInt(32 - before) - 1n)
  const high = BigInt(ipv4) >> BigInt(32 - before)
  const end = 72 + 32 - before
  const suffix = rest & (2n ** BigInt(128 - end) - 1n)
  return LOCAL | (high << 64n) | (low << BigInt(128 - end)) | suffix
}

const disguise = fc.constantFrom(...DISGUISES)
const rest = fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 2n ** 80n - 1n }))
const closedIpv4 = fc.oneof(
  fc.constantFrom(...SPECIAL_IPV4.flatMap(({ range }) => edges(range))),
  fc.tuple(fc.constantFrom(...SPECIAL_IPV4), fc.nat({ max: 0xffff_ffff })).map(([{ range }, offset]) => {
    const [first = 0, last = 0] = edges(range)
    return first + (offset % (last - first + 1))
  }),
)
const neverIpv4 = fc.constantFrom(
  ...[...LINK_LOCAL, ...METADATA]
    .filter(({ range }) => range.includes('.'))
    .flatMap(({ range }) => edges(range)),
)
/** `0.0.0.0/8` is what the shorter prefixes read in a longer one's padding; and `::`, `::1` are no IPv4. */
const readable = (name: string, ipv4: number): boolean =>
  ipv4 >= 2 ** 24 || !(name.startsWith('local NAT64') || name === 'compatible')

describe('an IPv6 network in DELIVERY_ALLOW_CIDRS', () => {
  test('never opens an IPv4 address hidden in an IPv6 address, nor IPv4 itself', () => {
    fc.assert(
      fc.property(disguise, closedIpv4, rest, fc.nat({ max: 128 }), ([name, hide], ipv4, free, bits) => {
        fc.pre(readable(name, ipv4))
        const address = ipv6Text(hide(ipv4, free))
        let policy: ReturnType<typeof createAddressPolicy>
        try {
          policy = createAddressPolicy({ allowCidrs: [`${address}/${bits}`, '::/0'] })
        } catch {
          // Networks of mapped addresses are refused.
          policy = createAddressPolicy({ allowCidrs: ['::/0'] })
        }
        expect([name, address, policy.check(address)]).not.toEqual([name, address, 'allowed'])
        expect(policy.check(ipv4Text(ipv4))).not.toBe('allowed')
      }),
      { numRuns: 2_000 },
    )
  })

  test('opens the IPv6 addresses in it: ::/0 all of them that hide nothing and are no metadata', () => {
    const all = createAddressPolicy({ allowCidrs: ['::/0'] })
    for (const address of [
      '::1',
      'fc00::1',
      'fd00::5',
      '2001:db8::1',
      '64:ff9b:1::8.8.8.8',
      '2002:808:808::1',
    ]) {
      expect([address, all.check(address)]).toEqual([address, 'allowed'])
    }
  })
})

test('an IPv4 network opens exactly its IPv4 addresses, also mapped and behind NAT64', () => {
  fc.assert(
    fc.property(closedIpv4, fc.nat({ max: 32 }), closedIpv4, (start, bits, ipv4) => {
      const policy = createAddressPolicy({ allowCidrs: [`${ipv4Text(start)}/${bits}`] })
      const size = 2 ** (32 - bits)
      const inside = Math.floor(start / size) === Math.floor(ipv4 / size)
      const verdict = policy.check(ipv4Text(ipv4))
      if (verdict !== 'link-local or metadata') expect(verdict).toBe(inside ? 'allowed' : 'not public')
      for (const [name, hide] of DISGUISES) {
        const same = name === 'mapped' || name === 'NAT64'
        const disguised = policy.check(ipv6Text(hide(ipv4, 0n)))
        if (same) expect([name, disguised]).toEqual([name, verdict])
        else expect([name, disguised]).not.toEqual([name, 'allowed'])
      }
    }),
    { numRuns: 1_000 },
  )
})

describe('no allow list opens a metadata or link-local address', () => {
  const everything = ['0.0.0.0/0', '::/0', 'fd00::/8']

  test('in any disguise', () => {
    fc.assert(
      fc.property(disguise, neverIpv4, rest, fc.nat({ max: 128 }), ([name, hide], ipv4, free, bits) => {
        const address = ipv6Text(hide(ipv4, free))
        const own = name === 'mapped' ? [] : [`${address}/${bits}`]
        const policy = createAddressPolicy({ allowCidrs: [...everything, ...own] })
        expect([name, address, policy.check(address)]).toEqual([name, address, 'link-local or metadata'])
        expect(policy.check(ipv4Text(ipv4))).toBe('link-local or metadata')
        const shortened = literalAddress(`http://[${address}]/`) ?? ''
        expect([shortened, policy.check(shortened)]).toEqual([shortened, 'link-local or metadata'])
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    'fd00:c1::a9fe:a9fe',
    'fd00:42::42',
    'fd00:a9fe:a9fe::1',
    'fd00:100::100:200',
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fd20:ce::254',
    'fe80::a9fe:a9fe%eth0',
    '::ffff:169.254.169.254',
    '::ffff:0:169.254.169.254',
    '64:ff9b::169.254.169.254',
    '64:ff9b:1::169.254.169.254',
    '64:ff9b:1:a9fe:a9:fe00::',
    '64:ff9b:1:a9:fe:a9fe::',
    '64:ff9b:1:0:a9:fea9:fe00::',
    '2001:0:a9fe:a9fe::1',
    '2001:0:808:808:0:0:5601:5601',
    'fd12::5efe:169.254.169.254',
    'fd12::200:5efe:169.254.169.254',
    '2002:a9fe:a9fe::1',
    '::169.254.169.254',
    // A NAT64 with a prefix of one's own.
    'fd12:64::169.254.169.254',
    '2001:db8:64::168.63.129.16',
    'fd12:64::100.100.100.200',
  ])('%s, with fd00::/8 or ::/0', (address) => {
    expect(createAddressPolicy({ allowCidrs: everything }).check(address)).toBe('link-local or metadata')
  })
})

test('nothing is public through a tunnel into a private network', () => {
  const policy = createAddressPolicy({ allowCidrs: [] })
  expect(policy.check('2606:4700::5efe:10.0.0.1')).toBe('not public')
  expect(policy.check('2606:4700::200:5efe:8.8.8.8')).toBe('allowed')
})

describe('the tables of addresses', () => {
  const rows = [...SPECIAL_IPV4, ...SPECIAL_IPV6, ...GLOBAL_IPV6, ...LINK_LOCAL, ...METADATA]

  test.each(rows)('$range ($name) says what it is and where that stands', ({ name, source }) => {
    expect(name).not.toBe('')
    expect(source).not.toBe('')
  })

  test.each([...SPECIAL_IPV4, ...SPECIAL_IPV6, ...LINK_LOCAL, ...METADATA])(
    '$range is closed',
    ({ range }) => {
      expect(createAddressPolicy({ allowCidrs: [] }).check(range.slice(0, range.indexOf('/')))).not.toBe(
        'allowed',
      )
    },
  )
})
