import type { TimerStatus } from '@timers/core'
import type { Redis } from 'ioredis'
import { Layouts } from '../src/shards/layouts.ts'
import { jobIdOf, shardKeys } from '../src/shards/shard-keys.ts'

/** Where a timer lies, and by that how it stands. */
export type Place =
  | 'planned'
  | 'held'
  | 'retry'
  | 'waiting'
  | 'heldAndWaiting'
  | 'taken'
  | 'firing'
  | 'fired'
  | 'cancelled'
  | 'failed'
  | 'unknown'
  | 'expired'

/** Its status to a client. */
export const STATUS_AT: Readonly<Record<Place, TimerStatus>> = {
  planned: 'pending',
  held: 'pending',
  retry: 'pending',
  waiting: 'pending',
  heldAndWaiting: 'pending',
  taken: 'pending',
  firing: 'firing',
  fired: 'fired',
  cancelled: 'cancelled',
  failed: 'failed',
  unknown: 'unknown',
  expired: 'expired',
}
export const PLACES = Object.keys(STATUS_AT) as readonly Place[]

export interface PlacedTimer {
  readonly id: number
  readonly dueAt: number
  readonly place: Place
  readonly url?: string
  readonly labels?: readonly string[]
  readonly owner?: string
  /** When it wakes up, where it is held back or waits for a retry. */
  readonly wakesAt?: number
  /** Whether it is a callback that was not delivered. */
  readonly callback?: boolean
}

const SETS = [
  'delayed',
  'held',
  'retries',
  'completed',
  'failed',
  'cancelled',
  'unknown',
  'expired',
  'outbox',
  'undelivered',
]

/** Puts timers where the commands put them, each in one step: also one that lies elsewhere already. */
export class TimerPlacer {
  readonly #client: Redis
  readonly #prefix: string
  readonly #shards: number
  readonly #labels = new Map<number, readonly string[]>()

  constructor(client: Redis, prefix: string, shards: number) {
    this.#client = client
    this.#prefix = prefix
    this.#shards = shards
  }

  async putAll(timers: readonly PlacedTimer[]): Promise<void> {
    for (let from = 0; from < timers.length; from += 500) {
      await Promise.all(timers.slice(from, from + 500).map((timer) => this.put(timer)))
    }
  }

  async put(timer: PlacedTimer): Promise<void> {
    const { id, dueAt, place, labels = [], owner, url = 'https://receiver.example/hook', callback } = timer
    const jobId = jobIdOf(id)
    const { key } = shardKeys(this.#prefix, Layouts.first(this.#shards).shardOf(id))
    const step = this.#remove(id)
    const status = STATUS_AT[place]
    const { wakesAt = dueAt + 60_000 } = timer
    step.hset(key(jobId), {
      name: 't',
      data: JSON.stringify({ u: url }),
      opts: '{}',
      timestamp: dueAt - 60_000,
      delay: 60_000,
      priority: 0,
      du: dueAt,
      ...(owner !== undefined && { ow: owner }),
      ...(labels.length > 0 && { lb: labels.join(' ') }),
      ...(callback === true && { cf: 1 }),
      ...(place === 'firing' && { ca: `1:nonce:${dueAt}` }),
      ...(place === 'retry' && { an: 1, ca: `1:nonce:${dueAt}`, nx: wakesAt }),
      ...((place === 'held' || place === 'heldAndWaiting') && { hb: `receiver_limit:${wakesAt}` }),
      ...(status !== 'pending' && status !== 'firing' && { st: status, finishedOn: dueAt }),
    })
    if (place === 'planned') step.zadd(key('delayed'), dueAt * 0x1000, jobId)
    if (place === 'held' || place === 'retry') step.zadd(key('delayed'), wakesAt * 0x1000, jobId)
    if (place === 'held' || place === 'heldAndWaiting') step.zadd(key('held'), dueAt, jobId)
    if (place === 'retry') step.zadd(key('retries'), dueAt, jobId)
    if (place === 'waiting' || place === 'heldAndWaiting') step.lpush(key('wait'), jobId)
    if (place === 'taken' || place === 'firing') step.lpush(key('active'), jobId)
    if (place === 'fired' || place === 'cancelled') step.zadd(key('completed'), dueAt, jobId)
    if (['failed', 'unknown', 'expired'].includes(place)) step.zadd(key('failed'), dueAt, jobId)
    if (['cancelled', 'unknown', 'expired'].includes(place)) step.zadd(key(place), dueAt, jobId)
    if (callback === true) step.zadd(key('outbox'), dueAt, jobId)
    if (callback === true && place === 'failed') step.zadd(key('undelivered'), dueAt, jobId)
    if (status === 'pending' || status === 'firing') {
      for (const label of labels) step.zadd(key(`l:${owner ?? ''}:${label}`), dueAt, jobId)
    }
    this.#labels.set(
      id,
      labels.map((label) => key(`l:${owner ?? ''}:${label}`)),
    )
    await step.exec()
  }

  async remove(id: number): Promise<void> {
    await this.#remove(id).exec()
  }

  #remove(id: number) {
    const jobId = jobIdOf(id)
    const { key } = shardKeys(this.#prefix, Layouts.first(this.#shards).shardOf(id))
    const step = this.#client.multi()
    step.del(key(jobId))
    for (const set of [...SETS.map(key), ...(this.#labels.get(id) ?? [])]) step.zrem(set, jobId)
    for (const list of ['wait', 'active']) step.lrem(key(list), 0, jobId)
    return step
  }
}
