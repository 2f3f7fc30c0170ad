import { isIPv4 } from 'node:net'

/** Names under which a service that listens on loopback is asked on its own machine. */
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']

export interface HostCheckOptions {
  /** Address that the service listens on. */
  readonly listensOn: string
  /** Further names that it is known by (`ALLOWED_HOSTS`), without ports. */
  readonly allowedHosts: readonly string[]
}

/** Says whether a `Host` header names this service, and by which names it may be asked. */
export interface HostCheck {
  readonly names: readonly string[]
  isOurs(host: string): boolean
}

/**
 * The answer to DNS rebinding: a page whose name is made to point at this machine is of the same origin as we are, for
 * its browser, but it asks under its own name, which no page can change.
 *
 * A service on loopback goes by `localhost`, `127.0.0.1`, `[::1]` and the address it listens on, with any port. One
 * that listens wider cannot know its names: without `allowedHosts` there is no check (undefined).
 */
export function createHostCheck({ listensOn, allowedHosts }: HostCheckOptions): HostCheck | undefined {
  const isLoopback = isLoopbackAddress(listensOn)
  if (!isLoopback && allowedHosts.length === 0) return undefined
  const own = listensOn.includes(':') ? `[${listensOn}]` : listensOn
  // Who asks on the machine itself (a health check) asks under these names, whatever others may use.
  const names = [...new Set([...LOOPBACK_NAMES, own, ...allowedHosts].map((name) => name.toLowerCase()))]
  const known = new Set(names)
  return { names, isOurs: (host) => known.has(withoutPort(host).toLowerCase()) }
}

function isLoopbackAddress(address: string): boolean {
  return address === 'localhost' || address === '::1' || (isIPv4(address) && address.startsWith('127.'))
}

function withoutPort(host: string): string {
  return host.replace(/:\d*$/, '')
}
