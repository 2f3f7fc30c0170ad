/** A place where a Redis listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** How a Redis lets us in. */
export interface Access {
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Whether to speak TLS. */
  readonly tls: boolean
}

/** Which Redis holds the timers, as `REDIS_URL` says it. */
export type RedisPlace =
  | { readonly kind: 'single'; readonly url: string }
  | { readonly kind: 'cluster'; readonly seeds: readonly Address[]; readonly access: Access }
  | {
      readonly kind: 'sentinel'
      readonly sentinels: readonly Address[]
      /** By which the Sentinels know the primary. */
      readonly name: string
      readonly access: Access
    }

/** What `REDIS_URL` may be, for messages. */
export const REDIS_URL_FORMS =
  'redis://[user:password@]host:port[/database], redis+cluster://[user:password@]host:port,host:port,... or ' +
  'redis+sentinel://[user:password@]host:port,host:port,.../name-of-the-primary (rediss instead of redis for TLS)'

const DEFAULT_PORT = { single: 6_379, cluster: 6_379, sentinel: 26_379 } as const

const FORM =
  /^redis(?<tls>s?)(?:\+(?<kind>cluster|sentinel))?:\/\/(?:(?<user>[^@]*)@)?(?<hosts>[^/@?#]*)(?<path>\/[^?#]*)?$/

/**
 * Reads `REDIS_URL`. A single one is handed to ioredis as it is, query and all. The user and password are percent-decoded, as
 * everywhere in URLs. Those of Sentinels are the user and password of the Redis they watch.
 *
 * @throws RangeError that says what to write; it quotes nothing of the URL, which may hold a password
 */
export function parseRedisUrl(text: string): RedisPlace {
  const { tls = '', kind = 'single', user, hosts = '', path = '' } = FORM.exec(text)?.groups ?? {}
  if (kind === 'single') {
    if (!/^rediss?:\/\//.test(text)) throw wrong(`it must be ${REDIS_URL_FORMS}`)
    if (hosts.includes(',')) {
      throw wrong(
        'it names several hosts: write redis+cluster:// for a cluster, redis+sentinel:// for Sentinels',
      )
    }
    checkSingle(text)
    return { kind, url: text }
  }
  const access = { ...readUser(user), tls: tls === 's' }
  const addresses = hosts
    .split(',')
    .map((each) => readAddress(each, DEFAULT_PORT[kind as 'cluster' | 'sentinel']))
  const name = decode(path.slice(1))
  if (kind === 'cluster') {
    if (name !== '' && name !== '0')
      throw wrong('a cluster has database 0 only: leave out what follows the hosts')
    return { kind, seeds: addresses, access }
  }
  if (name === '' || name.includes('/')) {
    throw wrong("it lacks the primary's name: redis+sentinel://host:port,host:port/name-of-the-primary")
  }
  return { kind: 'sentinel', sentinels: addresses, name, access }
}

/** What ioredis would end the process for, with a stack trace, or be refused for by every Redis. */
function checkSingle(text: string): void {
  if (!URL.canParse(text)) {
    throw wrong(
      'it must be redis://[user:password@]host:port[/database], with characters such as / and # of a password percent-encoded',
    )
  }
  const { username, password, pathname } = new URL(text)
  decode(username)
  decode(password)
  if (!/^(\/\d*)?$/.test(pathname)) throw wrong('after the host stands the number of a database, or nothing')
}

export function addressText({ host, port }: Address): string {
  return `${host}:${port}`
}

/** Of `host:port`, as Redis writes it: an IPv6 address has no brackets there. */
export function toAddress(text: string): Address {
  const colon = text.lastIndexOf(':')
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) }
}

function readAddress(text: string, defaultPort: number): Address {
  const { v6, name, port } =
    /^(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<name>[^\s:[\]]+))(?::(?<port>\d{1,5}))?$/.exec(text)?.groups ?? {}
  const host = v6 ?? name
  const number = port === undefined ? defaultPort : Number(port)
  if (host === undefined || number < 1 || number > 65_535) {
    throw wrong('each of its hosts must be host:port, with commas between them')
  }
  return { host, port: number }
}

function readUser(text: string | undefined): Pick<Access, 'username' | 'password'> {
  if (text === undefined) return {}
  const colon = text.indexOf(':')
  if (colon === -1) throw wrong('before @ stands user:password, or :password')
  const username = decode(text.slice(0, colon))
  return { username: username === '' ? undefined : username, password: decode(text.slice(colon + 1)) }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw wrong('it holds a % that begins no escape: write %25 for it')
  }
}

function wrong(why: string): RangeError {
  return new RangeError(`REDIS_URL cannot be used: ${why}`)
}
