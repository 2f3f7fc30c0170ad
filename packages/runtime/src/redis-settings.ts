import { readFileSync } from 'node:fs'
import { type Static, Type } from '@sinclair/typebox'
import { MOST_SHARDS, parseRedisUrl, REDIS_URL_FORMS } from '@timers/core'
import { SettingsError } from './settings-error.ts'

/** Settings that say which Redis holds the timers, and how. The same for every process of an installation. */
export const redisSettings = {
  REDIS_URL: Type.String({
    pattern: '^rediss?(\\+(cluster|sentinel))?://',
    default: 'redis://127.0.0.1:6379',
    wording: REDIS_URL_FORMS,
    description:
      'Redis that holds the timers: a single one, a cluster (any of its nodes), or the Sentinels that watch over one',
  }),
  REDIS_CA_FILE: Type.Optional(
    Type.String({
      description:
        'File with the certificates (PEM) of the authorities to trust where `REDIS_URL` begins with `rediss`; not set: those that Node.js knows',
    }),
  ),
  REDIS_SENTINEL_PASSWORD: Type.Optional(
    Type.String({
      description: 'Password of the Sentinels themselves; that of the Redis stands in `REDIS_URL`',
    }),
  ),
  REDIS_REPLICA_ACKS: Type.Integer({
    minimum: 0,
    maximum: 5,
    default: 0,
    description:
      'Replicas that must have a create, a change or a claim before it counts; must be the number of all replicas of a primary, or a failover may lose and double timers (docs/failover.md)',
  }),
  TIMER_SHARDS: Type.Integer({
    minimum: 1,
    maximum: MOST_SHARDS,
    default: 1,
    description:
      'Number of queues the timers are spread over, for an empty Redis: the first service that starts records it there. More are added by `npm run shards -- --grow`, and there are never fewer',
  }),
}

/** What these settings say, in the words of @timers/queue (`RedisOptions`). */
export interface RedisChoice {
  readonly redisUrl: string
  readonly redisCaFile: string | undefined
  readonly sentinelPassword: string | undefined
  readonly replicaAcks: number
  readonly shards: number
}

const schema = Type.Object(redisSettings)

/** How a certificate begins, in the forms that OpenSSL writes. */
const CERTIFICATE = /^-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/m

type RedisSettings = Readonly<Static<typeof schema>>

/**
 * Which Redis, and how its keys are laid out.
 *
 * @throws SettingsError; the message never quotes the URL, which may hold a password
 */
export function redisOf(settings: RedisSettings): RedisChoice {
  const { REDIS_URL: redisUrl, REDIS_CA_FILE: redisCaFile } = settings
  try {
    parseRedisUrl(redisUrl)
  } catch (error) {
    throw new SettingsError([(error as Error).message])
  }
  if (redisCaFile !== undefined) checkCertificates(redisCaFile)
  return {
    redisUrl,
    redisCaFile,
    sentinelPassword: settings.REDIS_SENTINEL_PASSWORD,
    replicaAcks: settings.REDIS_REPLICA_ACKS,
    shards: settings.TIMER_SHARDS,
  }
}

/** A file that says nothing trusts nobody: each connection would be refused, and no message would name the file. */
function checkCertificates(file: string): void {
  const text = textOf(file)
  if (text === undefined) throw new SettingsError(['REDIS_CA_FILE must be a file that can be read'])
  if (!CERTIFICATE.test(text)) {
    throw new SettingsError([
      'REDIS_CA_FILE must hold certificates as PEM: -----BEGIN CERTIFICATE----- and what follows',
    ])
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
