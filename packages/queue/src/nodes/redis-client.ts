import { readFileSync } from 'node:fs'
import type { Access, Address, Log, RedisPlace } from '@timers/core'
import { Redis, type RedisOptions } from 'ioredis'
import { errorFields } from './error-fields.ts'
import { type Destination, followingConnector } from './following-connector.ts'
import { writeTogether } from './hold-back.ts'

/**
 * Longest wait for one answer of Redis when a client of the API waits for it, in milliseconds: below the two seconds
 * after which the API promises a 503.
 */
export const ANSWER_TIMEOUT_MS = 1_800

/**
 * How often a Redis that loads its data is asked whether it is done, in milliseconds. ioredis waits as long as Redis
 * expects to take, and up to ten seconds: timers would be late by what Redis overestimates.
 */
const LOADING_LOOK_MS = 250

/**
 * How long the other side may take to end a connection that we end, in milliseconds; ioredis' own is 2 s. One that stands still
 * never does, and what it has not answered waits until then to be asked of another node.
 */
const END_WITHIN_MS = 100

/**
 * # Connection profiles
 *
 * | profile  | used for                  | Redis away                                                   |
 * | -------- | ------------------------- | ------------------------------------------------------------ |
 * | producer | changing timers           | fails at once or within `ANSWER_TIMEOUT_MS`; a command cut off in flight is sent once more, and is recognised |
 * | reader   | reading timers, health    | the same                                                     |
 * | worker   | taking, claiming, recording | waits as long as it takes: an outcome that is known must be written |
 *
 * Those to a node of a cluster send nothing again by themselves: another node may be the right one by then (routed-redis.ts).
 *
 * The reasons are in docs/adr/0005-connection-profiles.md.
 */
export type Profile = 'producer' | 'reader' | 'worker'

/** Whom to connect to: the only Redis, a node of a cluster, or a Sentinel. */
export type Endpoint =
  | Extract<RedisPlace, { readonly kind: 'single' }>
  | { readonly kind: 'node' | 'sentinel'; readonly address: Address; readonly access: Access }
  /** The node that serves a shard, or the primary under Sentinels, whichever it is at the time. */
  | ({ readonly kind: 'following'; readonly access: Access } & Destination)

/** As ioredis has them; replies are mapped as it does by default. */
type ClientOptions = Omit<RedisOptions, 'replyMapping'>

/** For whoever waits for an answer. */
export const IMPATIENT = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  commandTimeout: ANSWER_TIMEOUT_MS,
  // A connection whose answers stay away is cut, so that a healed network is noticed within seconds.
  socketTimeout: 3_000,
} satisfies ClientOptions

const PATIENT: ClientOptions = {
  // BullMQ demands it; and a claim or an outcome is worth waiting for.
  maxRetriesPerRequest: null,
  // Above the longest blocking read of BullMQ (10 s), which inherits this setting.
  socketTimeout: 12_000,
}

/** What all connections of a process have in common. */
export interface ConnectionOptions {
  readonly log: Log
  /** File with certificates of authorities to trust, instead of those that Node.js knows. */
  readonly caFile?: string | undefined
  /** Of the Sentinels themselves, where they want one. */
  readonly sentinelPassword?: string | undefined
}

/** Of each connection, wherever it goes. */
export const EVERYWHERE = {
  // Its name and version in CLIENT LIST: a right more to ask for, of which Redis 7.0 does not know the name.
  disableClientInfo: true,
  connectTimeout: 1_500,
  disconnectTimeout: END_WITHIN_MS,
  maxLoadingRetryTime: LOADING_LOOK_MS,
  reconnectOnError,
} satisfies ClientOptions

export function connect(endpoint: Endpoint, profile: Profile, common: ConnectionOptions): Redis {
  const options = {
    // A right more to ask for, of a Sentinel.
    ...(endpoint.kind !== 'sentinel' && { connectionName: `timers-${profile}` }),
    ...EVERYWHERE,
    retryStrategy: (times: number) => Math.min(50 * times, retryWithinMs(endpoint)),
    ...(profile === 'worker' ? PATIENT : IMPATIENT),
  } satisfies ClientOptions
  const client = open(endpoint, options, common)
  writeTogether(client)
  endAlsoWhileWaiting(client)
  // Of a cluster it is told which shards are away, once for all connections (shard-news.ts); of Sentinels, that none answers.
  const isTold =
    endpoint.kind === 'single' || (endpoint.kind === 'following' && endpoint.primary !== undefined)
  const where = () => {
    const { host = '', port = 0 } = (endpoint.kind === 'following' ? endpoint.where() : client.options) ?? {}
    return `${host}:${port}`
  }
  return watchErrors(client, { profile, where }, common.log, isTold ? undefined : 'debug')
}

/** Another primary may be named at any time, and a try that waits does not hear of it. */
function retryWithinMs(endpoint: Endpoint): number {
  return endpoint.kind === 'following' && endpoint.primary !== undefined ? 150 : 500
}

function open(endpoint: Endpoint, options: ClientOptions, { caFile }: ConnectionOptions): Redis {
  switch (endpoint.kind) {
    case 'single':
      return new Redis(endpoint.url, { ...options, ...(endpoint.url.startsWith('rediss:') && tlsOf(caFile)) })
    case 'following': {
      const { access } = endpoint
      const tls = access.tls ? tlsOf(caFile).tls : undefined
      return new Redis({
        ...options,
        ...credentials(access),
        Connector: followingConnector(endpoint, tls, END_WITHIN_MS),
      })
    }
    case 'node':
    case 'sentinel': {
      const { address, access } = endpoint
      return new Redis({
        ...options,
        // Neither of a worker: what ioredis keeps for a connection to come back is lost for good where it is ended meanwhile.
        maxRetriesPerRequest: 0,
        enableOfflineQueue: false,
        // A Sentinel loads nothing, and INFO is a right more.
        enableReadyCheck: endpoint.kind === 'node',
        ...credentials(access),
        ...(access.tls && tlsOf(caFile)),
        host: address.host,
        port: address.port,
      })
    }
  }
}

export function credentials({ username, password }: Access): ClientOptions {
  return { ...(username !== undefined && { username }), ...(password !== undefined && { password }) }
}

export function tlsOf(caFile: string | undefined) {
  return { tls: caFile === undefined ? {} : { ca: readFileSync(caFile) } }
}

/** After a failover the old primary answers READONLY: connect again, and send the command once more. */
function reconnectOnError(error: Error): false | 2 {
  return error.message.startsWith('READONLY') ? 2 : false
}

/**
 * A connection that is ended while it waits to be connected again comes to its end, too. ioredis would leave it as it is: what it
 * was to send is waited for for ever, and who watches it goes on.
 */
function endAlsoWhileWaiting(client: Redis): void {
  const disconnect = client.disconnect.bind(client)
  client.disconnect = (reconnect = false) => {
    // As one that was never connected, of which ioredis knows how to end it.
    if (!reconnect && client.status === 'reconnecting') client.status = 'wait'
    disconnect(reconnect)
  }
  // BullMQ waits with a copy.
  const duplicate = client.duplicate.bind(client)
  client.duplicate = (override) => {
    const copy = duplicate(override)
    endAlsoWhileWaiting(copy)
    return copy
  }
}

/** Says once that Redis went away and once that it is back, not once a try. */
function watchErrors(
  client: Redis,
  known: { readonly profile: Profile; readonly where: () => string },
  log: Log,
  level: 'debug' | undefined,
): Redis {
  let away = false
  const where = () => ({ profile: known.profile, node: known.where() })
  client.on('error', (error: Error) => {
    if (!away) log[level ?? 'warn']({ ...where(), ...errorFields(error) }, 'redis connection lost')
    away = true
  })
  client.on('ready', () => {
    if (away) log[level ?? 'info'](where(), 'redis connection back')
    away = false
  })
  return client
}
