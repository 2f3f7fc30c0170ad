import type { Log } from '@timers/core'
import { Redis } from 'ioredis'
import { errorFields } from './error-fields.ts'
import { writeTogether } from './hold-back.ts'

/** Which Redis, and how its keys are laid out. The same for every process of an installation. */
export interface RedisOptions {
  /** `redis://` or `rediss://`, with user, password and database where needed. */
  readonly redisUrl: string
  /** Number of shards; must be what the data was made with. */
  readonly shards: number
  /** First part of every key; tests give each suite its own. */
  readonly prefix?: string
  readonly log: Log
}

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
 * # Connection profiles
 *
 * | profile  | used for                  | Redis away                                                   |
 * | -------- | ------------------------- | ------------------------------------------------------------ |
 * | producer | changing timers           | fails at once or within `ANSWER_TIMEOUT_MS`; a command cut off in flight is sent once more, and is recognised |
 * | reader   | reading timers, health    | the same                                                     |
 * | worker   | taking, claiming, recording | waits as long as it takes: an outcome that is known must be written |
 *
 * Source: ../shared facts on BullMQ and ioredis, kept in docs/adr/0005-connection-profiles.md.
 */
export function connectProducer(redisUrl: string, log: Log): Redis {
  return connectImpatient(redisUrl, 'producer', log)
}

export function connectReader(redisUrl: string, log: Log): Redis {
  return connectImpatient(redisUrl, 'reader', log)
}

function connectImpatient(redisUrl: string, profile: string, log: Log): Redis {
  const client = new Redis(redisUrl, {
    connectionName: `timers-${profile}`,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: ANSWER_TIMEOUT_MS,
    connectTimeout: 1_500,
    // A connection whose answers stay away is cut, so that a healed network is noticed within seconds.
    socketTimeout: 3_000,
    retryStrategy: (times) => Math.min(50 * times, 500),
    maxLoadingRetryTime: LOADING_LOOK_MS,
    reconnectOnError,
  })
  writeTogether(client)
  return watchErrors(client, profile, log)
}

export function connectWorker(redisUrl: string, log: Log): Redis {
  const client = new Redis(redisUrl, {
    connectionName: 'timers-worker',
    // BullMQ demands it; and a claim or an outcome is worth waiting for.
    maxRetriesPerRequest: null,
    connectTimeout: 1_500,
    // Above the longest blocking read of BullMQ (10 s), which inherits this setting.
    socketTimeout: 12_000,
    retryStrategy: (times) => Math.min(50 * times, 500),
    maxLoadingRetryTime: LOADING_LOOK_MS,
    reconnectOnError,
  })
  writeTogether(client)
  return watchErrors(client, 'worker', log)
}

/** After a failover the old primary answers READONLY: connect again, and send the command once more. */
function reconnectOnError(error: Error): false | 2 {
  return error.message.startsWith('READONLY') ? 2 : false
}

/** Says once that Redis went away and once that it is back, not once a try. */
function watchErrors(client: Redis, profile: string, log: Log): Redis {
  let away = false
  client.on('error', (error: Error) => {
    if (!away) log.warn({ profile, ...errorFields(error) }, 'redis connection lost')
    away = true
  })
  client.on('ready', () => {
    if (away) log.info({ profile }, 'redis connection back')
    away = false
  })
  return client
}
