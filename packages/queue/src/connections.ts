import type { Socket } from 'node:net'
import type { Log } from '@timers/core'
import { Redis } from 'ioredis'

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
 * | producer | creating timers           | fails at once or within `ANSWER_TIMEOUT_MS`; a command cut off in flight is sent once more, and lands on the same job |
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

export function connectWorker(redisUrl: string, redisVersion: string, log: Log): Redis {
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
  tuneScripts(client, redisVersion)
  writeTogether(client)
  return watchErrors(client, 'worker', log)
}

/** Redis knows flags of scripts from this major version on. */
const SCRIPT_FLAGS_SINCE = 7
/** BullMQ's promotion, and how many timers it is to move at a time. */
const PROMOTION_LIMIT = '"LIMIT", 0, 1000)'
const SMALL_PROMOTION = '"LIMIT", 0, 20)'

/**
 * Changes the scripts of a worker, BullMQ's included, in two ways as they are defined.
 *
 * - They run also when Redis is out of memory (from version 7 on). Redis refuses a script's writes one by one then: those
 *   that take memory fail, and those before them have happened. Promotion takes timers out of the delayed set before it
 *   puts them on the wait list, so that up to a thousand at a time would be on neither, and never fire. What a
 *   worker writes is small and passing. Creating timers is still refused, at its first write.
 * - Promotion moves 20 due timers in the step that fetches one, not 1,000, which keeps Redis busy for milliseconds
 *   before the first of a burst can leave (docs/benchmarks.md).
 */
function tuneScripts(client: Redis, redisVersion: string): void {
  const flags = Number.parseInt(redisVersion, 10) >= SCRIPT_FLAGS_SINCE ? '#!lua flags=allow-oom\n' : ''
  const define = client.defineCommand.bind(client)
  client.defineCommand = (name, definition) =>
    define(name, { ...definition, lua: flags + definition.lua.replace(PROMOTION_LIMIT, SMALL_PROMOTION) })
}

/**
 * Most commands of one write. With no bound, all of a busy API's clients walk in step: nobody works while Redis does.
 * Measured: docs/benchmarks.md.
 */
const MOST_A_WRITE = 16

/**
 * Sends the commands of one turn of the event loop together: one system call for all of them here, and one turn in
 * Redis, with one fsync.
 */
function writeTogether(client: Redis): void {
  const send = client.sendCommand.bind(client)
  let held: { readonly socket: Socket; commands: number } | undefined
  const release = (): void => {
    held?.socket.uncork()
    held = undefined
  }
  client.sendCommand = (command, stream) => {
    const socket = client.stream as Socket | undefined
    if (held === undefined && socket !== undefined) {
      socket.cork()
      const mine = { socket, commands: 0 }
      held = mine
      setImmediate(() => held === mine && release())
    }
    const sent = send(command, stream)
    if (held !== undefined && ++held.commands >= MOST_A_WRITE) release()
    return sent
  }
}

/** After a failover the old primary answers READONLY: connect again, and send the command once more. */
function reconnectOnError(error: Error): false | 2 {
  return error.message.startsWith('READONLY') ? 2 : false
}

/** Says once that Redis went away and once that it is back, not once a try. */
function watchErrors(client: Redis, profile: string, log: Log): Redis {
  let away = false
  client.on('error', (error: Error) => {
    if (!away) log.warn({ profile, reason: error.message }, 'redis connection lost')
    away = true
  })
  client.on('ready', () => {
    if (away) log.info({ profile }, 'redis connection back')
    away = false
  })
  return client
}
