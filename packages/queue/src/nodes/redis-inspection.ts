import type { RedisFigures } from '@timers/core'
import type { Redis } from 'ioredis'
import { figuresOf, type RedisInfo, readInfo } from './redis-info.ts'
import { type ReplicaRule, replicaFindings } from './replica-findings.ts'
import { unlessForbidden } from './unless-forbidden.ts'

/**
 * Something about a Redis server that breaks a promise (`unsafe`), costs speed, memory or safety (`advice`), or may well be meant
 * so, and has a price (`choice`).
 */
export interface RedisFinding {
  readonly severity: 'unsafe' | 'advice' | 'choice'
  /** What is so, and what to set instead. */
  readonly message: string
}

export interface RedisInspection {
  readonly version: string
  /** `standalone`, `cluster` or `sentinel`; undefined where it does not tell. */
  readonly mode: string | undefined
  readonly findings: readonly RedisFinding[]
  /** Undefined where INFO is forbidden. */
  readonly figures: RedisFigures | undefined
  /** Redis' clock minus ours, in milliseconds, to within half a round trip. */
  readonly clockSkewMs: number
}

const OLDEST_VERSION = [6, 2] as const
const OLDEST = OLDEST_VERSION.join('.')
/** Beyond this a timer is noticeably early or late for the machine that created it. */
const SKEW_WORTH_SAYING_MS = 500

interface Rule {
  readonly setting: string
  readonly severity: RedisFinding['severity']
  readonly ok: (value: string) => boolean
  readonly want: string
  readonly because: string
}

const RULES: readonly Rule[] = [
  {
    setting: 'appendonly',
    severity: 'unsafe',
    ok: (value) => value === 'yes',
    want: 'yes',
    because: 'without the append-only file a restart of Redis loses every timer',
  },
  {
    setting: 'maxmemory-policy',
    severity: 'unsafe',
    ok: (value) => value === 'noeviction',
    want: 'noeviction',
    because: 'any other policy drops timers when memory runs out',
  },
  {
    setting: 'appendfsync',
    severity: 'advice',
    ok: (value) => value === 'always',
    want: 'always',
    because: 'otherwise a power failure loses acknowledged timers and claims of the last moments',
  },
  {
    setting: 'hz',
    severity: 'advice',
    ok: (value) => Number(value) >= 100,
    want: '500',
    because: 'Redis wakes waiting workers only so many times a second',
  },
  {
    setting: 'hash-max-listpack-value',
    severity: 'advice',
    ok: (value) => Number(value) >= 1_024,
    want: '1024',
    because: 'otherwise a pending timer takes twice the memory',
  },
  {
    setting: 'timeout',
    severity: 'advice',
    ok: (value) => value === '0',
    want: '0',
    because: 'waiting workers would be cut off',
  },
]

/**
 * Looks at what the server is really set to: Redis is configured, not assumed. Settings that the server does not
 * know or does not show are named as advice, not guessed.
 *
 * @param replicaRule without it nothing is said of replicas
 * @throws whatever the connection throws
 */
export async function inspectRedis(redis: Redis, replicaRule?: ReplicaRule): Promise<RedisInspection> {
  const info = await readInfo(redis)
  const version = info?.redis_version ?? 'unknown'
  // Valkey calls it server_mode.
  const mode = info?.redis_mode ?? info?.server_mode
  // It holds nothing, and knows neither TIME nor CONFIG: whoever asked is at the wrong address.
  if (mode === 'sentinel') return { version, mode, findings: [], figures: undefined, clockSkewMs: 0 }
  const [clockSkewMs, settings] = await Promise.all([measureSkew(redis), settingFindings(redis, info)])
  const findings = [...infoFindings(info), ...settings, ...skewFindings(clockSkewMs)]
  if (replicaRule !== undefined && info?.role === 'master') {
    const minReplicas = await readSetting(redis, 'min-replicas-to-write')
    findings.push(...replicaFindings(info, minReplicas, replicaRule))
  }
  return { version, mode, findings, figures: info && figuresOf(info), clockSkewMs }
}

async function measureSkew(redis: Redis): Promise<number> {
  const sentAt = Date.now()
  const [seconds, micros] = await redis.time()
  return Number(seconds) * 1_000 + Number(micros) / 1_000 - (sentAt + Date.now()) / 2
}

function infoFindings(info: RedisInfo | undefined): RedisFinding[] {
  if (info === undefined) {
    // BullMQ's Worker does not run where it cannot ask for the version.
    const message = `INFO is forbidden here: allow it, and make sure that it is Redis ${OLDEST} or newer`
    return [{ severity: 'unsafe', message }]
  }
  const { redis_version: version = '0.0.0', aof_last_write_status: written = 'ok', role = 'master' } = info
  const unsafe: string[] = []
  if (isTooOld(version)) unsafe.push(`Redis is version ${version}: use ${OLDEST} or newer`)
  if (written !== 'ok') unsafe.push('Redis cannot write its append-only file: check the disk')
  if (role !== 'master') unsafe.push(`this Redis is a ${role}, not a primary: set REDIS_URL to the primary`)
  return unsafe.map((message) => ({ severity: 'unsafe', message }))
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1])
}

async function settingFindings(redis: Redis, info: RedisInfo | undefined): Promise<RedisFinding[]> {
  const values = await Promise.all(RULES.map(({ setting }) => readSetting(redis, setting)))
  return RULES.flatMap(({ setting, severity, ok, want, because }, index): RedisFinding[] => {
    const value = values[index] ?? toldByInfo(setting, info)
    if (value === undefined) {
      const message = `${setting} cannot be read from this Redis: make sure that it is ${want}`
      return [{ severity: 'advice', message }]
    }
    if (ok(value)) return []
    return [{ severity, message: `${setting} is ${value}: set it to ${want} (${because})` }]
  })
}

/**
 * What INFO tells of a setting, where CONFIG is forbidden, as on hosted ones. Not that there is no append-only file: those that
 * keep a log of another kind have none.
 */
function toldByInfo(setting: string, info: RedisInfo | undefined): string | undefined {
  if (setting === 'appendonly') return info?.aof_enabled === '1' ? 'yes' : undefined
  return info?.[setting.replaceAll('-', '_')]
}

function skewFindings(clockSkewMs: number): RedisFinding[] {
  if (Math.abs(clockSkewMs) < SKEW_WORTH_SAYING_MS) return []
  return [
    {
      severity: 'advice',
      message: `the clock of Redis differs from this machine's by ${Math.round(clockSkewMs)} ms: keep clocks in step (NTP)`,
    },
  ]
}

/** The value of a setting, or undefined where CONFIG is forbidden or the server does not know the setting. */
async function readSetting(redis: Redis, setting: string): Promise<string | undefined> {
  const reply = (await unlessForbidden(redis.config('GET', setting))) as
    | (string | undefined)[]
    | Record<string, string>
    | undefined
  return Array.isArray(reply) ? reply[1] : reply?.[setting]
}
