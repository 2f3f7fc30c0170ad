import type { LookupAddress, RecordWithTtl } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { NameError, nameErrorOf } from './name-error.ts'
import type { DnsSettings } from './name-settings.ts'
import { fullNames } from './resolv-conf.ts'

/** First time that a name server has for its answer, in milliseconds; doubled when all of them have been asked. */
const TRY_MS = 1_000
const TRIES = 3
/**
 * How long the other family may take once one has addresses, in milliseconds: there are name servers that never answer
 * when they are asked for IPv6.
 */
const OTHER_FAMILY_MS = 250
/** Most addresses of a family that are used: an answer may hold thousands, and each could be tried for seconds. */
const MOST_ADDRESSES = 16

/** The addresses of a name, IPv4 first, and how long they hold. */
export interface Answer {
  readonly addresses: readonly LookupAddress[]
  readonly ttlMs: number
}

/**
 * Asks the name servers for a host name's addresses, by c-ares: on sockets of its own, which are closed with the
 * answer, or at once when `signal` is aborted. A `Resolver` for each look-up, because `cancel` ends all queries of one,
 * and because c-ares remembers which name server did not answer: a stranger's name must not decide whom others ask.
 *
 * @throws NameError
 */
export async function lookUp(hostname: string, dns: DnsSettings, signal: AbortSignal): Promise<Answer> {
  const resolver = new Resolver({ timeout: TRY_MS, tries: TRIES })
  // setServers would lose the scope of fe80::1%eth0. Without it c-ares reads the system's own settings.
  const { nameservers } = dns
  if (nameservers.length > 0 && !nameservers.some((server) => server.includes('%'))) {
    resolver.setServers(nameservers)
  }
  const cancel = (): void => resolver.cancel()
  signal.addEventListener('abort', cancel)
  try {
    return await searched(resolver, hostname, dns, signal)
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

/** As the C libraries search: an absent name is tried in the next domain, a server that is silent ends the search. */
async function searched(
  resolver: Resolver,
  hostname: string,
  dns: DnsSettings,
  signal: AbortSignal,
): Promise<Answer> {
  let failure = new NameError('ENOTFOUND')
  for (const name of fullNames(hostname, dns)) {
    if (signal.aborted) throw new NameError('ERR_NAME_TIMEOUT')
    try {
      return await ask(resolver, name, dns.families)
    } catch (error) {
      const reason = nameErrorOf(error)
      if (reason.code === 'ERR_NAME_TIMEOUT') throw reason
      if (reason.code !== 'ENOTFOUND') failure = reason
    }
  }
  throw failure
}

/** Asks for all families at once. Throws what node:dns throws, where none has an address. */
async function ask(resolver: Resolver, name: string, families: readonly number[]): Promise<Answer> {
  const records = new Map<number, readonly RecordWithTtl[]>()
  const errors: unknown[] = []
  let timer: NodeJS.Timeout | undefined
  await Promise.all(
    families.map(async (family) => {
      try {
        const options = { ttl: true } as const
        const found = await (family === 4
          ? resolver.resolve4(name, options)
          : resolver.resolve6(name, options))
        // Aliases that lead nowhere are an answer too.
        if (found.length === 0) return
        records.set(family, found.slice(0, MOST_ADDRESSES))
        timer ??= setTimeout(() => resolver.cancel(), OTHER_FAMILY_MS)
      } catch (error) {
        errors.push(error)
      }
    }),
  )
  clearTimeout(timer)
  const found = families.flatMap((family) =>
    (records.get(family) ?? []).map(({ address, ttl }) => ({ address, family, ttl })),
  )
  if (found.length === 0) {
    // A family without addresses says nothing of the other, whose server failed.
    throw errors.find((error) => nameErrorOf(error).code !== 'ENOTFOUND') ?? new NameError('ENOTFOUND')
  }
  return {
    addresses: found.map(({ address, family }) => ({ address, family })),
    ttlMs: Math.min(...found.map(({ ttl }) => ttl)) * 1_000,
  }
}
