import { type RedisPlace, TimerError } from '@timers/core'

/** Codes of Node.js for a certificate whose authority is not among those that are trusted. */
const UNTRUSTED =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED)$/

const SINGLE =
  'this Redis is a single one and not a cluster: write redis:// instead of redis+cluster:// in REDIS_URL'
const CLUSTER_NODE =
  'this Redis is a node of a cluster: write redis+cluster://host:port,host:port,... in REDIS_URL'
const SENTINEL =
  'this is a Sentinel and no Redis: write redis+sentinel://host:port,host:port,.../name-of-the-primary in REDIS_URL'

/** What an error of a Redis or its connection says, and what to write instead. */
interface Trouble {
  readonly said: RegExp
  readonly words: string
}

const OF_REDIS: readonly Trouble[] = [
  { said: /^NOAUTH\b/, words: 'Redis wants a password: set it in REDIS_URL' },
  {
    said: /^WRONGPASS\b|AUTH.*called without any password/,
    words: 'Redis refuses the user or password in REDIS_URL',
  },
  {
    said: /cluster support disabled/,
    words: SINGLE,
  },
  {
    said: /unknown command.*\bcluster\b/i,
    words:
      'REDIS_URL names no node of a cluster: write redis+sentinel:// for Sentinels, redis:// for a single Redis',
  },
]

const OF_SENTINELS: readonly Trouble[] = [
  {
    said: /No such master with that name/,
    words:
      "the Sentinels watch no primary of that name: write redis+sentinel://host:port,host:port,.../name-of-the-primary in REDIS_URL (a Sentinel's SENTINEL MASTERS tells the names)",
  },
  {
    said: /unknown command.*\bsentinel\b/i,
    words:
      'REDIS_URL names no Sentinel: write redis:// for a single Redis, redis+cluster:// for a cluster, or the ports of the Sentinels',
  },
  { said: /NOAUTH\b/, words: 'the Sentinels want a password: set REDIS_SENTINEL_PASSWORD' },
  {
    said: /WRONGPASS\b|AUTH.*called without any password/,
    words: 'the Sentinels refuse the password in REDIS_SENTINEL_PASSWORD',
  },
]

/**
 * Why Redis, or a Sentinel, cannot be used, in words for an operator; undefined where the error does not tell. Holds no secret.
 */
export function troubleIn(error: unknown, of: 'redis' | 'sentinel' = 'redis'): string | undefined {
  const {
    code,
    message = '',
    hostname,
  } = Object(error) as Partial<NodeJS.ErrnoException & { hostname: string }>
  if (code !== undefined && UNTRUSTED.test(code)) {
    return 'the certificate of Redis is by an authority that is not trusted: name a file with the certificate of that authority in REDIS_CA_FILE'
  }
  if (code === 'CERT_HAS_EXPIRED') return 'the certificate of Redis has expired'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return 'the certificate of Redis is for another name: write the host in REDIS_URL as the certificate has it, and let nodes of a cluster announce that name (cluster-announce-hostname)'
  }
  if (code === 'ENOTFOUND') {
    return `no machine has the name ${hostname}: look at REDIS_URL, and at the names that nodes announce`
  }
  const list = of === 'sentinel' ? OF_SENTINELS : OF_REDIS
  return list.find(({ said }) => said.test(message))?.words
}

/**
 * Why what `REDIS_URL` names is not what it says; undefined where it is.
 *
 * @param mode what the server says that it is: `standalone`, `cluster` or `sentinel`
 */
export function wrongRedis(kind: RedisPlace['kind'], mode: string | undefined): TimerError | undefined {
  if (mode === 'sentinel') return new TimerError('WRONG_REDIS', SENTINEL)
  if (mode === undefined || (mode === 'cluster') === (kind === 'cluster')) return undefined
  return new TimerError('WRONG_REDIS', mode === 'cluster' ? CLUSTER_NODE : SINGLE)
}
