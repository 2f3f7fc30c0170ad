import type { Redis } from 'ioredis'
import type { ShardKeys } from '../src/shards/shard-keys.ts'
import { type TimerHash, toRecord } from '../src/timers/stored-timer.ts'

type Scores = ReadonlyMap<string, number>

/** All of one shard, as Redis has it. */
interface Contents {
  readonly jobs: ReadonlyMap<string, TimerHash>
  readonly locks: ReadonlySet<string>
  readonly texts: ReadonlyMap<string, string>
  list(name: string): readonly string[]
  set(name: string): Scores
  /** Label indexes, by name. */
  readonly indexes: ReadonlyMap<string, Scores>
  readonly labels: ReadonlySet<string>
  /** Names of the keys that are none of ours nor of BullMQ's. */
  readonly strange: readonly string[]
}

const LISTS = ['wait', 'active', 'finished', 'finished:completed', 'finished:failed']
const SETS = [
  'delayed',
  'completed',
  'failed',
  'held',
  'retries',
  'cancelled',
  'unknown',
  'expired',
  'outbox',
  'undelivered',
  'guards',
]
/** Those that stay when no timer is left, or are gone by themselves. */
const FURNITURE = [
  'meta',
  'events',
  'ids',
  'shards',
  'format',
  'marker',
  'stalled',
  'stalled-check',
  'restored',
]
const PLACES = ['wait', 'active', 'delayed', 'completed', 'failed']

async function read(redis: Redis, { key }: ShardKeys): Promise<Contents> {
  const base = key('')
  const names = (await redis.keys('*'))
    .filter((name) => name.startsWith(base))
    .map((name) => name.slice(base.length))
  const jobs = new Map<string, TimerHash>()
  const locks = new Set<string>()
  const texts = new Map<string, string>()
  const lists = new Map<string, readonly string[]>()
  const sets = new Map<string, Scores>()
  const strange: string[] = []
  const look = async (name: string): Promise<unknown> => {
    if (/^t\d+$/.test(name)) return jobs.set(name, await redis.hgetall(key(name)))
    if (/^t\d+:lock$/.test(name)) return locks.add(name.slice(0, -':lock'.length))
    if (/^[ki]:/.test(name)) return texts.set(name, (await redis.get(key(name))) ?? '')
    if (LISTS.includes(name)) return lists.set(name, await redis.lrange(key(name), 0, -1))
    if (SETS.includes(name) || name.startsWith('l:'))
      return sets.set(name, toScores(await redis.zrange(key(name), 0, '-1', 'WITHSCORES')))
    return name === 'labels' || FURNITURE.includes(name) || strange.push(name)
  }
  await Promise.all(names.map(look))
  return {
    jobs,
    locks,
    texts,
    list: (name) => lists.get(name) ?? [],
    set: (name) => sets.get(name) ?? new Map(),
    indexes: new Map([...sets].filter(([name]) => name.startsWith('l:'))),
    labels: new Set(await redis.smembers(key('labels'))),
    strange,
  }
}

function toScores(flat: readonly string[]): Scores {
  return new Map(flat.flatMap((id, at) => (at % 2 === 0 ? [[id, Number(flat[at + 1])] as const] : [])))
}

/**
 * What is wrong in a shard: every job must be in exactly the places that its hash implies (shards/shard-keys.ts), and
 * nowhere else. True between any two commands, whatever order they came in.
 */
export async function flawsOf(redis: Redis, keys: ShardKeys): Promise<string[]> {
  const contents = await read(redis, keys)
  const flaws = contents.strange.map((name) => `${name}: nobody knows this key`)
  for (const [id, hash] of contents.jobs) {
    flaws.push(...flawsOfJob(id, hash, contents).map((flaw) => `${id}: ${flaw} (${JSON.stringify(hash)})`))
  }
  return [...flaws, ...danglingIn(contents)]
}

function flawsOfJob(id: string, hash: TimerHash, contents: Contents): string[] {
  const flaws: string[] = []
  const must = (holds: boolean, what: string): void => {
    if (!holds) flaws.push(what)
  }
  const record = toRecord(Number(id.slice(1)), hash)
  if (record === undefined) return ['a hash that holds no timer']
  const { st, nx, hb, cf } = hash
  const due = record.dueAt
  const score = (name: string): number | undefined => contents.set(name).get(id)
  const is = (name: string, holds: boolean): void => {
    if (holds) must(score(name) === due, `is in ${name} with ${score(name)}, due at ${due}`)
    else must(score(name) === undefined, `is in ${name}`)
  }

  const places = PLACES.flatMap((name) =>
    contents
      .list(name)
      .filter((each) => each === id)
      .concat(score(name) === undefined ? [] : [id])
      .map(() => name),
  )
  must(places.length === 1, `is in [${places}]`)
  const [place] = places
  const rests = place === 'completed' || place === 'failed'
  must(!rests || st !== undefined, `rests in ${place} and is not finished`)
  if (rests) {
    must(place === (st === 'fired' || st === 'cancelled' ? 'completed' : 'failed'), `${st} is in ${place}`)
    is(place, true)
    must(nx === undefined && hb === undefined, 'waits for something')
    const end = `${id}:${hash.finishedOn}`
    must(
      LISTS.some((list) => contents.list(list).includes(end)),
      'its end is in no list',
    )
  }
  for (const own of ['cancelled', 'unknown', 'expired']) is(own, rests && st === own && cf === undefined)
  is('undelivered', cf !== undefined && place === 'failed')
  must(
    (score('outbox') !== undefined) === (cf !== undefined),
    'a callback is in the outbox, and nothing else',
  )

  is('held', hb !== undefined)
  const isWaiting = nx !== undefined && record.status === 'pending' && st === undefined
  if (score('retries') !== undefined) is('retries', isWaiting)
  if (place === 'delayed') {
    const at = hb?.split(':')[1] ?? nx ?? due
    must(
      score('delayed') === Number(at) * 0x1000,
      `wakes at ${Number(score('delayed')) / 0x1000}, not at ${at}`,
    )
    if (isWaiting && hb === undefined) is('retries', true)
    must(record.status !== 'firing', 'is claimed, and in nobody’s hands')
  }
  must(!contents.locks.has(id) || place === 'active', `is locked in ${place}`)

  for (const label of hash.lb?.split(' ') ?? []) {
    const name = `l:${hash.ow ?? ''}:${label}`
    if (st === undefined) is(name, true)
    else if (rests) is(name, false)
  }
  if (hash.ik !== undefined) {
    must(contents.texts.get(`i:${hash.ik.split(':')[0]}`) === id, 'its idempotency key does not lead to it')
  }
  return flaws
}

function danglingIn(contents: Contents): string[] {
  const flaws: string[] = []
  const must = (holds: boolean, what: string): void => {
    if (!holds) flaws.push(what)
  }
  for (const name of [...SETS, 'wait', 'active'].filter((each) => each !== 'guards')) {
    const ids = [...contents.list(name), ...contents.set(name).keys()]
    for (const id of ids) must(contents.jobs.has(id), `${name} has ${id}, which is not there`)
  }
  for (const id of contents.locks) must(contents.jobs.has(id), `the lock of ${id}, which is not there`)
  for (const [name, id] of contents.texts) {
    const job = contents.jobs.get(id)
    if (name.startsWith('k:')) must(name === `k:${job?.ow ?? ''}:${job?.ky}`, `${name} leads to ${id}`)
    else if (!id.startsWith('@')) must(name === `i:${job?.ik?.split(':')[0]}`, `${name} leads to ${id}`)
  }
  for (const [name, members] of contents.indexes) {
    must(contents.labels.has(name), `${name} is not in labels`)
    const label = name.split(':').slice(2).join(':')
    for (const id of members.keys()) {
      const has = contents.jobs.get(id)?.lb?.split(' ').includes(label) ?? false
      must(has, `${name} has ${id}, which has no such label`)
    }
  }
  for (const name of contents.labels)
    must(contents.indexes.has(name), `labels has ${name}, which is not there`)
  return flaws
}

/** What is left in a shard, beside what stays or goes by itself. */
export async function leftIn(redis: Redis, { key }: ShardKeys): Promise<string[]> {
  const base = key('')
  const names = (await redis.keys('*')).filter((name) => name.startsWith(base))
  return names.map((name) => name.slice(base.length)).filter((name) => !FURNITURE.includes(name))
}

/** All keys but the counters of ids, each with all that it holds. */
export async function contentsOf(redis: Redis): Promise<Readonly<Record<string, unknown>>> {
  const held = async (name: string): Promise<unknown> => {
    switch (await redis.type(name)) {
      case 'hash':
        return redis.hgetall(name)
      case 'zset':
        return redis.zrange(name, 0, '-1', 'WITHSCORES')
      case 'list':
        return redis.lrange(name, 0, -1)
      case 'set':
        return (await redis.smembers(name)).sort()
      case 'stream':
        return redis.xlen(name)
      default:
        return redis.get(name)
    }
  }
  const names = (await redis.keys('*')).filter((name) => !name.endsWith(':ids')).sort()
  const contents = await Promise.all(names.map(held))
  return Object.fromEntries(names.map((name, at) => [name, contents[at]]))
}
