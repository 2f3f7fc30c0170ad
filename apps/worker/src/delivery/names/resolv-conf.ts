import { Resolver } from 'node:dns'

/** What of resolv.conf(5) decides how names are looked up here. Time-outs and tries are ours (look-up.ts). */
export interface ResolvConf {
  readonly nameservers: readonly string[]
  /** Domains that short names are tried in, first one first. */
  readonly search: readonly string[]
  /** A name with at least so many dots is tried as it is before it is tried in the domains. */
  readonly ndots: number
}

/** As in the C libraries. */
const DEFAULT_NDOTS = 1
const MOST_NDOTS = 15

/**
 * Reads a resolv.conf. Where it says neither `search` nor `domain`, the machine's own domain is searched; where it
 * says one of them several times, the last one counts.
 */
export function parseResolvConf(text: string, hostname: string): ResolvConf {
  const nameservers: string[] = []
  const dot = hostname.indexOf('.')
  let search = dot === -1 ? [] : [hostname.slice(dot + 1)]
  let ndots = DEFAULT_NDOTS
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/)
    if (keyword === 'nameserver') nameservers.push(...values.slice(0, 1).filter(canBeAsked))
    else if (keyword === 'search') search = values
    else if (keyword === 'domain') search = values.slice(0, 1)
    else if (keyword === 'options') {
      for (const option of values) {
        const asked = /^ndots:(\d+)$/.exec(option)?.[1]
        if (asked !== undefined) ndots = Math.min(Number(asked), MOST_NDOTS)
      }
    }
  }
  return { nameservers, search: search.map(withoutDot), ndots }
}

/**
 * The full names that a host name may mean, in the order in which they are tried: a name that ends with a dot is full
 * already, one with `ndots` dots or more is more likely full than short.
 */
export function fullNames(hostname: string, { search, ndots }: ResolvConf): readonly string[] {
  if (hostname.endsWith('.')) return [withoutDot(hostname)]
  const dots = hostname.split('.').length - 1
  const searched = search.filter((domain) => domain !== '').map((domain) => `${hostname}.${domain}`)
  return dots >= ndots ? [hostname, ...searched] : [...searched, hostname]
}

/** Judged by whoever will ask it. */
function canBeAsked(nameserver: string): boolean {
  try {
    new Resolver().setServers([nameserver])
    return true
  } catch {
    return false
  }
}

function withoutDot(name: string): string {
  return name.replace(/\.$/, '')
}
