import { isIPv6 } from 'node:net'

/** What one customer of a network has at least: an IPv4 address, also as IPv6 writes it, or the first 64 bits of an IPv6 address. */
export function networkOf(ip: string): string {
  const [address = ip] = ip.split('%')
  if (!isIPv6(address)) return address
  // The WHATWG parser writes an address in one way only, and a mapped IPv4 address as two groups.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
  const isMapped = groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff'
  if (!isMapped) return groups.slice(0, 4).join(':')
  const bytes = groups.slice(6).flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 255]
  })
  return bytes.join('.')
}
