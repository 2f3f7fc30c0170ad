import { isIPv6 } from 'node:net'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

const WINDOW_S = 60
/** Wrong passwords a minute from one address; of IPv6, from one /64 network, which is what one customer gets. */
const PER_ADDRESS = 10
/** Wrong passwords a minute for the one user there is, from all addresses that never had the right one. */
const FROM_STRANGERS = 100
/** Addresses that had the right password, and so are heard whatever strangers do. Only who knows it can add one. */
const MOST_FRIENDS = 1_000

const ALL = 'all'

export type LoginAttempt =
  | {
      readonly heard: true /** The password was right: gives the attempt back. */
      succeeded(): Promise<void>
    }
  | { readonly heard: false; readonly waitMs: number }

/**
 * How often passwords may be guessed.
 *
 * An attempt is counted *before* the password is compared, and given back when it was right: however many arrive at once, no
 * more than the limit are compared. One address that guesses can limit itself only; many addresses together limit strangers, and
 * addresses that have logged in before are still heard. Memory is bounded: once strangers are limited, they are not kept.
 */
export class LoginLimit {
  readonly #byAddress = new RateLimiterMemory({ points: PER_ADDRESS, duration: WINDOW_S })
  readonly #strangers = new RateLimiterMemory({ points: FROM_STRANGERS, duration: WINDOW_S })
  readonly #friends = new Set<string>()

  /** Counts an attempt. One that is `heard` may be compared; the other says how many milliseconds to wait. */
  async begin(ip: string): Promise<LoginAttempt> {
    const address = networkOf(ip)
    const own = await taken(this.#byAddress, address)
    if (own.waitMs !== undefined) return { heard: false, waitMs: own.waitMs }
    const isFriend = this.#friends.has(address)
    const all = isFriend ? undefined : await taken(this.#strangers, ALL)
    if (all?.waitMs !== undefined) {
      if (own.count === 1) await this.#byAddress.delete(address)
      return { heard: false, waitMs: all.waitMs }
    }
    const succeeded = async () => {
      await this.#byAddress.reward(address)
      if (isFriend) return
      await this.#strangers.reward(ALL)
      const [oldest = ''] = this.#friends
      if (this.#friends.size >= MOST_FRIENDS) this.#friends.delete(oldest)
      this.#friends.add(address)
    }
    return { heard: true, succeeded }
  }
}

async function taken(limiter: RateLimiterMemory, key: string): Promise<{ count: number; waitMs?: number }> {
  try {
    return { count: (await limiter.consume(key)).consumedPoints }
  } catch (result) {
    if (!(result instanceof RateLimiterRes)) throw result
    return { count: result.consumedPoints, waitMs: result.msBeforeNext }
  }
}

/** What one guesser has: an IPv4 address, also as IPv6 writes it, or the first 64 bits of an IPv6 address. */
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
