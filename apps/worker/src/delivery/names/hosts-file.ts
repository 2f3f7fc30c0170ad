import type { LookupAddress } from 'node:dns'
import { isIP } from 'node:net'

/** The addresses of each name of a hosts file, in the file's order; names in lower case. */
export type Hosts = ReadonlyMap<string, readonly LookupAddress[]>

/** Reads a hosts file as hosts(5) has it: an address, its names, and comments from `#` on. Passes over what is none. */
export function parseHosts(text: string): Hosts {
  const hosts = new Map<string, LookupAddress[]>()
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    const family = isIP(address)
    if (family === 0) continue
    for (const name of names) {
      const key = name.toLowerCase().replace(/\.$/, '')
      const known = hosts.get(key)
      if (known === undefined) hosts.set(key, [{ address, family }])
      else known.push({ address, family })
    }
  }
  return hosts
}
