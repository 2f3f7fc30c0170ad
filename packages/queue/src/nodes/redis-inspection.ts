import type { Redis } from 'ioredis'
import { type ReplicaRule, replicaFindings } from './replica-findings.ts'

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
  /** Whether it is a node of a cluster; undefined where it does not tell. */
  readonly inCluster: boolean | undefined
  readonly findings: readonly RedisFinding[]
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
  const sentAt = Date.now()
  const [seconds, micros] = await redis.time()
  const clockSkewMs = Number(seconds) * 1_000 + Number(micros) / 1_000 - (sentAt + Date.now()) / 2
  const info = await readInfo(redis)
  const version = info?.redis_version ?? 'unknown'
  const findings = [...infoFindings(info), ...(await settingFindings(redis)), ...skewFindings(clockSkewMs)]
  if (replicaRule !== undefined && info?.role === 'master') {
    const minReplicas = await readSetting(redis, 'min-replicas-to-write')
    findings.push(...replicaFindings(info, minReplicas, replicaRule))
  }
  // Valkey calls it server_mode.
  const mode = info?.redis_mode ?? info?.server_mode
  return { version, inCluster: mode === undefined ? undefined : mode === 'cluster', findings, clockSkewMs }
}

function infoFindings(info: Info | undefined): RedisFinding[] {
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

async function settingFindings(redis: Redis): Promise<RedisFinding[]> {
  const findings: RedisFinding[] = []
  for (const rule of RULES) {
    const value = await readSetting(redis, rule.setting)
    if (value === undefined) {
      findings.push({
        severity: 'advice',
        message: `${rule.setting} cannot be read from this Redis: make sure that it is ${rule.want}`,
      })
    } else if (!rule.ok(value)) {
      findings.push({
        severity: rule.severity,
        message: `${rule.setting} is ${value}: set it to ${rule.want} (${rule.because})`,
      })
    }
  }
  return findings
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

type Info = Readonly<Record<string, string | undefined>>

/** What the server tells of itself, or undefined where INFO is forbidden. */
async function readInfo(redis: Redis): Promise<Info | undefined> {
  const text = await unlessForbidden(redis.info())
  if (text === undefined) return undefined
  return Object.fromEntries(
    [...text.matchAll(/^([^#:\r\n]+):([^\r\n]*)/gm)].map(([, key, value]) => [key, value]),
  )
}

/** Not of a Redis that is busy, loading or out of memory: that says nothing of what it allows. */
async function unlessForbidden<T>(reply: Promise<T>): Promise<T | undefined> {
  try {
    return await reply
  } catch (error) {
    if (error instanceof Error && /^(NOPERM|ERR unknown command)/i.test(error.message)) return undefined
    throw error
  }
}
