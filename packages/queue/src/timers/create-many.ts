import { type Created, type NewTimerRequest, TimerError } from '@timers/core'
import pLimit, { type LimitFunction } from 'p-limit'
import { ANSWER_TIMEOUT_MS } from '../shards/redis-client.ts'
import type { Shard, Shards } from '../shards/shards.ts'
import { toStoreError, unavailable } from './store-error.ts'
import { type TimerHash, toData, toTimer } from './stored-timer.ts'

/** Most timers of one step of Redis: half a millisecond of its time. */
const MOST_A_STEP = 50
/** Steps of a shard that are under way at a time, of all batches together: whoever wants one timer waits for no more. */
const MOST_STEPS = 4
/** How many ids are tried where Redis hands out some that are taken (after a failover), before it is given up. */
const MOST_IDS = 3

/** How a timer is created that has more than a due time, as the store creates one alone. */
export interface CreateOne {
  /** The shard that it belongs to; undefined where it may lie in any. */
  shardFor(request: NewTimerRequest): Shard | undefined
  create(shard: Shard, request: NewTimerRequest): Promise<Created>
}

/** One request of a batch, and where its result goes. */
interface Item {
  readonly place: number
  readonly request: NewTimerRequest
}

/**
 * Creates many timers together: their ids in one block a shard, and some of them in each step of Redis. Whatever Redis
 * does, all of it takes no longer than one create may. What is not known to be done by then is told as such, and what
 * was not sent by then is not sent any more.
 *
 * Those with the same key or idempotency key lie in the same shard, and get there in the order in which they were given.
 */
export class BatchCreator {
  readonly #shards: Shards
  readonly #one: CreateOne
  readonly #limits: ReadonlyMap<Shard, LimitFunction>
  #turn = 0

  constructor(shards: Shards, one: CreateOne) {
    this.#shards = shards
    this.#one = one
    this.#limits = new Map(shards.all.map((shard) => [shard, pLimit(MOST_STEPS)]))
  }

  /** Never throws: each result is a timer, or the error that stands for it. */
  async createAll(requests: readonly NewTimerRequest[]): Promise<readonly (Created | Error)[]> {
    const batch = new Batch(requests.length)
    const work = Promise.all([...this.#share(requests)].map(([shard, items]) => this.#fill(shard, items, batch)))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ANSWER_TIMEOUT_MS)
    })
    await Promise.race([work, late])
    clearTimeout(timer)
    return batch.close()
  }

  #share(requests: readonly NewTimerRequest[]): Map<Shard, Item[]> {
    const shares = new Map<Shard, Item[]>()
    for (const [place, request] of requests.entries()) {
      const shard = this.#one.shardFor(request) ?? this.#next()
      const share = shares.get(shard)
      if (share === undefined) shares.set(shard, [{ place, request }])
      else share.push({ place, request })
    }
    return shares
  }

  #next(): Shard {
    const shard = this.#shards.at(this.#turn)
    this.#turn = (this.#turn + 1) % this.#shards.all.length
    return shard
  }

  async #fill(shard: Shard, items: readonly Item[], batch: Batch): Promise<void> {
    if (!shard.monitor.verified) return
    const limit = this.#limits.get(shard) as LimitFunction
    const plain = items.filter(({ request }) => isPlain(request))
    const others = items.filter(({ request }) => !isPlain(request))
    const ids = await idsFor(shard, plain, batch)
    const steps: Promise<void>[] = []
    if (ids !== undefined) {
      for (const { from, end } of stepsOf(plain)) {
        const theirs = ids.slice(from, end)
        steps.push(limit(() => createPlain(shard, plain.slice(from, end), theirs, batch)))
      }
    }
    for (const { from, end } of stepsOf(others)) {
      steps.push(limit(() => this.#createOthers(shard, others.slice(from, end), batch)))
    }
    await Promise.all(steps)
  }

  async #createOthers(shard: Shard, items: readonly Item[], batch: Batch): Promise<void> {
    if (batch.closed) return
    await Promise.all(
      items.map(async ({ place, request }) => {
        try {
          batch.set(place, await this.#one.create(shard, request))
        } catch (error) {
          batch.set(place, toStoreError(error))
        }
      }),
    )
  }
}

/** The results of one batch, until they are told. */
class Batch {
  readonly #results: (Created | Error)[]
  closed = false

  constructor(length: number) {
    this.#results = Array(length).fill(unavailable(new Error('no answer in time')))
  }

  set(place: number, result: Created | Error): void {
    if (!this.closed) this.#results[place] = result
  }

  close(): readonly (Created | Error)[] {
    this.closed = true
    return this.#results
  }
}

function isPlain({ draft, idempotency }: NewTimerRequest): boolean {
  return (
    idempotency === undefined &&
    draft.key === undefined &&
    draft.labels === undefined &&
    draft.expiresIn === undefined &&
    draft.callback === undefined
  )
}

/** Parts of the list of so many at most, each of one owner's. */
function* stepsOf(items: readonly Item[]): Iterable<{ readonly from: number; readonly end: number }> {
  let from = 0
  for (let end = 1; end <= items.length; end += 1) {
    const goesOn = end < items.length && ownerOf(items[end]) === ownerOf(items[from])
    if (goesOn && end - from < MOST_A_STEP) continue
    yield { from, end }
    from = end
  }
}

function ownerOf(item: Item | undefined): string | undefined {
  return item?.request.draft.owner
}

/** Undefined where there are none to be had. */
async function idsFor(
  shard: Shard,
  items: readonly Item[],
  batch: Batch,
): Promise<readonly number[] | undefined> {
  if (items.length === 0) return []
  try {
    return await shard.takeIds(items.length)
  } catch (error) {
    const failure = toStoreError(error)
    for (const { place } of items) batch.set(place, failure)
    return undefined
  }
}

/** Creates timers that have nothing but a due time, of one owner, in one step. */
async function createPlain(
  shard: Shard,
  items: readonly Item[],
  ids: readonly number[],
  batch: Batch,
): Promise<void> {
  const { losses } = shard
  const owner = ownerOf(items[0])
  let left = items
  let fresh = ids
  try {
    for (let tries = 0; tries < MOST_IDS && left.length > 0 && !batch.closed; tries += 1) {
      if (tries > 0) fresh = await shard.takeIds(left.length)
      const createdAt = Date.now()
      const timers = left.map(({ request: { draft } }, at) => ({
        id: fresh[at] as number,
        data: JSON.stringify(toData(draft)),
        dueAt: 'dueAt' in draft ? draft.dueAt : createdAt + draft.delayMs,
      }))
      const taken = new Set(await shard.commands.createMany(timers, { createdAt, owner }))
      for (const [at, { id, data, dueAt }] of timers.entries()) {
        if (taken.has(at)) continue
        const timer = toTimer(id, asStored(data, createdAt, dueAt, owner))
        batch.set((left[at] as Item).place, { ...timer, replayed: false })
      }
      left = left.filter((_, at) => taken.has(at))
    }
    for (const { place } of left) {
      batch.set(place, new TimerError('STORE_REFUSED', 'Redis hands out ids that are taken'))
    }
  } catch (error) {
    const failure = shard.losses === losses ? toStoreError(error) : afterLoss(error)
    for (const { place } of left) batch.set(place, failure)
  }
}

/** What the hash of a timer that was just stored holds. */
function asStored(data: string, createdAt: number, dueAt: number, owner: string | undefined): TimerHash {
  return {
    data,
    timestamp: String(createdAt),
    du: String(dueAt),
    ...(owner !== undefined && { ow: owner }),
  }
}

/** Sent again because its reply was lost, and refused only then: the first may have stored the timers. */
function afterLoss(error: unknown): Error {
  const failure = toStoreError(error)
  return failure instanceof TimerError && failure.code === 'STORE_REFUSED' ? unavailable(error) : failure
}
