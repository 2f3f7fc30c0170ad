import type { RedisFigures, RedisReplica } from '@timers/core'
import type { Redis } from 'ioredis'
import { unlessForbidden } from './unless-forbidden.ts'

/** What `INFO` tells, by name. */
export type RedisInfo = Readonly<Record<string, string | undefined>>

/** What the server tells of itself, or undefined where INFO is forbidden. */
export async function readInfo(redis: Redis): Promise<RedisInfo | undefined> {
  const text = await unlessForbidden(redis.info())
  if (text === undefined) return undefined
  return Object.fromEntries(
    [...text.matchAll(/^([^#:\r\n]+):([^\r\n]*)/gm)].map(([, key, value]) => [key, value]),
  )
}

/** The figures of it that operators look at. Fields that a server does not tell count as what is usual. */
export function figuresOf(info: RedisInfo): RedisFigures {
  const max = Number(info.maxmemory ?? 0)
  return {
    version: info.redis_version ?? 'unknown',
    memoryUsedBytes: Number(info.used_memory ?? 0),
    memoryMaxBytes: max === 0 ? undefined : max,
    aof: {
      enabled: info.aof_enabled === '1',
      lastWriteOk: (info.aof_last_write_status ?? 'ok') === 'ok',
      rewriting: info.aof_rewrite_in_progress === '1',
    },
    replicas: replicasOf(info),
  }
}

/** Lines such as `slave0:ip=10.0.0.7,port=6379,state=online,offset=1400,lag=0`. */
export function replicasOf(info: RedisInfo): RedisReplica[] {
  const written = Number(info.master_repl_offset ?? 0)
  const lines = Object.entries(info).filter(([name]) => /^slave\d+$/.test(name))
  return lines.map(([, line = '']) => {
    const fields: RedisInfo = Object.fromEntries(line.split(',').map((part) => part.split('=')))
    return {
      address: `${fields.ip}:${fields.port}`,
      online: fields.state === 'online',
      lagBytes: Math.max(0, written - Number(fields.offset ?? 0)),
      lagSeconds: Number(fields.lag ?? 0),
    }
  })
}
