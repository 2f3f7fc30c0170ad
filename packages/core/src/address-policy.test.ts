import fc from 'fast-check'
import { createAddressPolicy, literalAddress } from './address-policy.ts'

const closed = createAddressPolicy({ allowCidrs: [] })

/** The rules once more, in arithmetic: first and last address of each range. */
const SPECIAL_IPV4: readonly (readonly [string, string])[] = [
  ['0.0.0.0', '0.255.255.255'],
  ['10.0.0.0', '10.255.255.255'],
  ['100.64.0.0', '100.127.255.255'],
  ['127.0.0.0', '127.255.255.255'],
  ['168.63.129.16', '168.63.129.16'],
  ['169.254.0.0', '169.254.255.255'],
  ['172.16.0.0', '172.31.255.255'],
  ['192.0.0.0', '192.0.0.255'],
  ['192.0.2.0', '192.0.2.255'],
  ['192.31.196.0', '192.31.196.255'],
  ['192.52.193.0', '192.52.193.255'],
  ['192.88.99.0', '192.88.99.255'],
  ['192.168.0.0', '192.168.255.255'],
  ['192.175.48.0', '192.175.48.255'],
  ['198.18.0.0', '198.19.255.255'],
  ['198.51.100.0', '198.51.100.255'],
  ['203.0.113.0', '203.0.113.255'],
  ['224.0.0.0', '255.255.255.255'],
]

function numberOf(ipv4: string): number {
  return ipv4.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
}

function ipv4Of(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.')
}

function ipv6Of(value: bigint): string {
  const hex = value.toString(16).padStart(32, '0')
  return (hex.match(/.{4}/g) ?? []).join(':')
}

function isPublicIpv4(value: number): boolean {
  return !SPECIAL_IPV4.some(([first, last]) => value >= numberOf(first) && value <= numberOf(last))
}

function isPublicIpv6(value: bigint): boolean {
  const startsWith = (prefix: bigint, bits: number): boolean => value >> BigInt(128 - bits) === prefix
  return (
    startsWith(1n, 3) &&
    !startsWith(0x20010000n >> 9n, 23) &&
    !startsWith(0x20010db8n, 32) &&
    !startsWith(0x2002n, 16) &&
    !startsWith(0x2620_004f_8000n, 48) &&
    !startsWith(0x3fff0n, 20)
  )
}

/** Any address, and often one at the edge of a range. */
const anyIpv4 = fc.oneof(
  fc.nat({ max: 0xffff_ffff }),
  fc
    .tuple(fc.constantFrom(...SPECIAL_IPV4.flat()), fc.constantFrom(-1, 0, 1))
    .map(([edge, step]) => Math.min(0xffff_ffff, Math.max(0, numberOf(edge) + step))),
)

const anyIpv6 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
  fc
    .tuple(fc.constantFrom(0x7fffn, 0x8000n, 0x8001n), fc.bigInt({ min: 0n, max: 2n ** 80n - 1n }))
    .map(([third, rest]) => (0x2620_004fn << 96n) | (third << 80n) | rest),
  fc
    .tuple(
      fc.constantFrom(
        0x1fffn,
        0x2000n,
        0x2001n,
        0x2002n,
        0x2003n,
        0x3ffen,
        0x3fffn,
        0x4000n,
        0xfe80n,
        0xfd00n,
      ),
      fc.constantFrom(0n, 0x1ffn, 0x200n, 0xdb7n, 0xdb8n, 0xdb9n, 0xfffn, 0x1000n, 0xffffn),
      fc.bigInt({ min: 0n, max: 2n ** 96n - 1n }),
    )
    .map(([first, second, rest]) => (first << 112n) | (second << 96n) | rest),
)

describe('the address policy, with nothing opened', () => {
  test('IPv4: public unless in a special range of IANA, at every edge', () => {
    fc.assert(
      fc.property(anyIpv4, (value) => {
        expect(closed.check(ipv4Of(value)) === 'allowed').toBe(isPublicIpv4(value))
      }),
      { numRuns: 2_000 },
    )
  })

  test('IPv6: public only in 2000::/3, less its special ranges', () => {
    fc.assert(
      fc.property(anyIpv6, (value) => {
        expect(closed.check(ipv6Of(value)) === 'allowed').toBe(isPublicIpv6(value))
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    ['mapped', '::ffff:'],
    ['behind NAT64', '64:ff9b::'],
  ])('IPv4 in IPv6, %s: the IPv4 address is judged', (_form, prefix) => {
    fc.assert(
      fc.property(anyIpv4, (value) => {
        const groups = `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`
        const verdict = closed.check(ipv4Of(value))
        expect(closed.check(`${prefix}${ipv4Of(value)}`)).toBe(verdict)
        expect(closed.check(`${prefix}${groups}`)).toBe(verdict)
      }),
    )
  })

  test.each([
    ['8.8.8.8', 'allowed'],
    ['2606:4700::1111', 'allowed'],
    ['127.0.0.1', 'not public'],
    ['::1', 'not public'],
    ['::', 'not public'],
    ['::127.0.0.1', 'not public'],
    ['::8.8.8.8', 'not public'],
    ['::ffff:0:127.0.0.1', 'not public'],
    ['64:ff9b:1::8.8.8.8', 'not public'],
    ['2002:7f00:1::', 'not public'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'not public'],
    ['2620:4f:8000::1', 'not public'],
    ['2620:4f:8001::1', 'allowed'],
    ['5f00::1', 'not public'],
    ['fc00::1', 'not public'],
    ['ff02::1', 'not public'],
    ['fe80::1', 'link-local or metadata'],
    ['fe80::1%eth0', 'link-local or metadata'],
    ['169.254.169.254', 'link-local or metadata'],
    ['::ffff:169.254.169.254', 'link-local or metadata'],
    ['::ffff:a9fe:a9fe', 'link-local or metadata'],
    ['64:ff9b::a9fe:a9fe', 'link-local or metadata'],
    ['168.63.129.16', 'link-local or metadata'],
    ['100.100.100.200', 'link-local or metadata'],
    ['fd00:ec2::254', 'link-local or metadata'],
    ['', 'not an address'],
    ['localhost', 'not an address'],
    ['127.1', 'not an address'],
    ['0177.0.0.1', 'not an address'],
    ['2130706433', 'not an address'],
    ['127.0.0.1.', 'not an address'],
    ['１２７.0.0.1', 'not an address'],
    ['[::1]', 'not an address'],
  ])('%s: %s', (address, verdict) => {
    expect(closed.check(address)).toBe(verdict)
  })
})

describe('the verdicts that the address policy remembers', () => {
  test('are those of the addresses asked for, however many there were', () => {
    const policy = createAddressPolicy({ allowCidrs: [] })
    const verdicts = (net: string) =>
      new Set(Array.from({ length: 1_500 }, (_, n) => policy.check(`${net}.${n >> 8}.${n & 255}`)))
    for (let round = 0; round < 2; round += 1) {
      expect(verdicts('10.1')).toEqual(new Set(['not public']))
      expect(verdicts('8.8')).toEqual(new Set(['allowed']))
      expect(verdicts('169.254')).toEqual(new Set(['link-local or metadata']))
    }
  })
})

describe('the address policy, with networks opened', () => {
  const opened = createAddressPolicy({ allowCidrs: ['127.0.0.0/8', '10.1.0.0/16', '::1/128', 'fd00::/8'] })

  test.each([
    ['127.9.9.9', 'allowed'],
    ['::ffff:127.0.0.1', 'allowed'],
    ['::1', 'allowed'],
    ['10.1.255.255', 'allowed'],
    ['10.2.0.0', 'not public'],
    ['fd12::1', 'allowed'],
    ['8.8.8.8', 'allowed'],
    ['0.0.0.0', 'not public'],
    ['::127.0.0.1', 'not public'],
    ['fd00:ec2::254', 'link-local or metadata'],
    ['fd20:ce::254', 'link-local or metadata'],
  ])('%s: %s', (address, verdict) => {
    expect(opened.check(address)).toBe(verdict)
  })

  test('link-local and metadata addresses stay closed even when all is opened', () => {
    const all = createAddressPolicy({ allowCidrs: ['0.0.0.0/0', '::/0'] })
    expect(all.check('192.168.0.1')).toBe('allowed')
    expect(all.check('fc00::1')).toBe('allowed')
    for (const address of [
      '169.254.169.254',
      '168.63.129.16',
      'fe80::1',
      'fd00:ec2::254',
      '::ffff:169.254.169.254',
      '64:ff9b::169.254.169.254',
      '::169.254.169.254',
      '2002:a9fe:a9fe::',
    ]) {
      expect([address, all.check(address)]).toEqual([address, 'link-local or metadata'])
    }
  })

  test.each([
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0/8',
    '::/129',
    'fd00::',
    'localhost/8',
    '/8',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '::ffff:10.0.0.0/104',
    'fe80::%eth0/10',
    '',
  ])('refuses %j as a network, and does not quote it', (cidr) => {
    const make = () => createAddressPolicy({ allowCidrs: ['10.0.0.0/8', cidr] })
    expect(make).toThrow(new RangeError('entry 2 is not a CIDR such as 10.0.0.0/8 or fd00::/8'))
  })
})

describe('the literal address of a URL', () => {
  test.each([
    ['http://127.0.0.1/x', '127.0.0.1'],
    ['http://2130706433/', '127.0.0.1'],
    ['http://0177.0.0.1/', '127.0.0.1'],
    ['http://0x7f.1/', '127.0.0.1'],
    ['http://127.1/', '127.0.0.1'],
    ['http://１２７.０.０.１/', '127.0.0.1'],
    ['http://127。0。0。1/', '127.0.0.1'],
    ['http://127.0.0.1./', '127.0.0.1'],
    ['https://[::1]:8443/', '::1'],
    ['https://[::FFFF:127.0.0.1]/', '::ffff:7f00:1'],
    ['https://example.com/', undefined],
    ['https://localhost./', undefined],
    ['https://127.0.0.1.example.com/', undefined],
  ])('%s: %s', (url, address) => {
    expect(literalAddress(url)).toBe(address)
  })
})
