import { networkOf } from '@timers/runtime'
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
