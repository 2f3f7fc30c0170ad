import type { LookupAddress } from 'node:dns'
import { type Answer, lookUp } from './look-up.ts'
import { LookUpSlots, type SlotLimits } from './look-up-slots.ts'
import { NameCache } from './name-cache.ts'
import { NameError } from './name-error.ts'
import { type DnsSettings, type NameFiles, NameSettingsReader, SYSTEM_NAME_FILES } from './name-settings.ts'

/** Longest time for a look-up with all that belongs to it, its wait for a place too, in milliseconds. */
const LOOK_UP_MS = 5_000
const MOST_NAMES = 10_000
const LIMITS: SlotLimits = { most: 256, reserved: 64 }

const LOOPBACK: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

export interface NamesOptions {
  /** Default: those of the system. */
  readonly files?: NameFiles | undefined
  readonly limits?: SlotLimits | undefined
}

/** What is known by asking the name servers in one way; dropped when the way changes. */
interface Known {
  readonly dns: DnsSettings
  readonly cache: NameCache
  /** One look-up a name, for all who want it. */
  readonly underWay: Map<string, Promise<Answer>>
}

/**
 * # Host names to addresses, so that no name makes another one late
 *
 * In this order: the hosts file; `localhost`, which is never asked for in the network (RFC 6761); what is remembered; a
 * look-up that is under way; a look-up in DNS (docs/adr/0008-names.md). Nothing here uses libuv's few threads for
 * names: `dns.lookup` does, and a name that is never answered holds one of them for as long as the C library likes.
 */
export class Names {
  readonly #reader: NameSettingsReader
  readonly #slots: LookUpSlots
  #known: Known | undefined
  #turn = 0

  constructor(options: NamesOptions = {}) {
    this.#reader = new NameSettingsReader(options.files ?? SYSTEM_NAME_FILES)
    this.#slots = new LookUpSlots(options.limits ?? LIMITS)
  }

  /** Look-ups in DNS that are under way or wait for their place. */
  get lookUps(): number {
    return this.#slots.size
  }

  /**
   * All addresses of a host name as a URL has it (in lower case, IDNs in Punycode). Those of one family take turns in
   * being the first, as they do in the answers of name servers.
   *
   * @throws NameError
   */
  async resolve(hostname: string): Promise<LookupAddress[]> {
    const { hosts, dns } = await this.#reader.current()
    const name = hostname.replace(/\.$/, '')
    const own = hosts.get(name) ?? (/(^|\.)localhost$/.test(name) ? LOOPBACK : undefined)
    if (own !== undefined) {
      const usable = own.filter(({ family }) => dns.families.includes(family))
      return [...(usable.length > 0 ? usable : own)]
    }
    const { addresses } = await this.#answer(hostname, dns)
    this.#turn += 1
    return dns.families.flatMap((wanted) =>
      rotated(
        addresses.filter(({ family }) => family === wanted),
        this.#turn,
      ),
    )
  }

  /**
   * `resolve`, in the form in which connections ask. Answers a turn later: a socket that is told its addresses before
   * anybody could listen to it seems to be looking them up for ever.
   */
  readonly lookup = (
    hostname: string,
    _options: unknown,
    callback: (error: Error | null, addresses: LookupAddress[]) => void,
  ): void => {
    this.resolve(hostname).then(
      (addresses) => setImmediate(callback, null, addresses),
      (error) => setImmediate(callback, error, []),
    )
  }

  /** Ends the look-ups under way. */
  close(): void {
    this.#slots.close()
  }

  #answer(hostname: string, dns: DnsSettings): Answer | Promise<Answer> {
    if (this.#known?.dns !== dns) this.#known = { dns, cache: new NameCache(MOST_NAMES), underWay: new Map() }
    const known = this.#known
    const remembered = known.cache.get(hostname)
    if (remembered instanceof NameError) throw remembered
    if (remembered !== undefined) return remembered
    const underWay = known.underWay.get(hostname)
    if (underWay !== undefined) return underWay
    const asked = this.#lookUp(hostname, known)
    known.underWay.set(hostname, asked)
    return asked
  }

  async #lookUp(hostname: string, { dns, cache, underWay }: Known): Promise<Answer> {
    const bound = new AbortController()
    const timer = setTimeout(() => bound.abort(), LOOK_UP_MS)
    try {
      await this.#slots.enter(bound, cache.foundLast(hostname))
      const answer = await lookUp(hostname, dns, bound.signal)
      cache.set(hostname, answer)
      return answer
    } catch (error) {
      if (error instanceof NameError) cache.set(hostname, error)
      throw error
    } finally {
      clearTimeout(timer)
      this.#slots.leave(bound)
      underWay.delete(hostname)
    }
  }
}

function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const start = list.length === 0 ? 0 : by % list.length
  return [...list.slice(start), ...list.slice(0, start)]
}
