import type { Idempotency } from '@timers/core'
import { eventually } from '@timers/lab'
import { Growth } from '../src/shards/growth.ts'
import type { Shards } from '../src/shards/shards.ts'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { HOUR, operator } from './growth-bed.ts'
import { draft, type Rig } from './rig.ts'

/** What a replica has of a shard. */
type Copy = ReadonlyMap<string, Buffer>

/** An operator's command that is held up between two of its steps. */
interface Grower {
  readonly shards: Shards
  readonly done: Promise<unknown>
  /** Lets it do one more step, or ends it. */
  go(how: 'on' | 'killed'): void
}

/**
 * An installation whose servers fail over and forget what their replicas have not got: one Redis plays a server for each shard. A
 * step of the operator's command counts only when the replica has it; nothing else waits for replicas.
 */
export class HistoryWorld {
  readonly #rig: Rig
  readonly #stores: readonly RedisTimerStore[]
  readonly #copies = new Map<number, Copy>()
  #grower: Grower | undefined
  /** All ids that clients were told of, also of timers that a failover has taken. */
  readonly told: number[] = []
  readonly flaws: string[] = []

  static async open(rig: Rig, processes: number, shards: number): Promise<HistoryWorld> {
    const stores: RedisTimerStore[] = []
    for (let n = 0; n < processes; n += 1) stores.push(await rig.store({ shards }))
    const world = new HistoryWorld(rig, stores)
    for (let shard = 0; shard < shards; shard += 1) await world.sync(shard)
    return world
  }

  private constructor(rig: Rig, stores: readonly RedisTimerStore[]) {
    this.#rig = rig
    this.#stores = stores
  }

  async create(process: number, count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      await this.#ask(async () => this.#tell((await this.#store(process).create(draft(HOUR))).id))
    }
  }

  createWith(process: number, key: string): Promise<void> {
    return this.#ask(
      async () => this.#tell((await this.#store(process).create({ ...draft(HOUR), key })).id),
      'KEY_TAKEN',
    )
  }

  put(process: number, key: string): Promise<void> {
    return this.#ask(async () => {
      const { timer, created } = await this.#store(process).upsert(key, draft(HOUR), 'replace')
      if (created) this.#tell(timer.id)
    })
  }

  createOnce(process: number, key: string): Promise<void> {
    const idempotency: Idempotency = { key, fingerprint: 'f'.repeat(22) }
    return this.#ask(async () => {
      const { id, replayed } = await this.#store(process).create(draft(HOUR), idempotency)
      if (!replayed) this.#tell(id)
    })
  }

  cancel(process: number, key: string): Promise<void> {
    return this.#ask(() => this.#store(process).cancel({ key }), 'ALREADY_FINISHED')
  }

  /** Every process finds every timer that there is. */
  async lookAround(): Promise<void> {
    const ids = await this.#living()
    for (const [process, store] of this.#stores.entries()) {
      const found = await Promise.all(ids.map((id) => eventually(() => store.find(id))))
      const missed = ids.filter((id, at) => found[at]?.id !== id)
      this.flaws.push(...missed.map((id) => `process ${process} says 404 of ${id}`))
    }
  }

  /** A replica catches up. */
  async sync(shard: number): Promise<void> {
    const { client } = this.#rig
    const names = await client.keys(`test:{${shard}}:*`)
    const copied = await Promise.all(names.map((name) => client.dumpBuffer(name)))
    this.#copies.set(shard, new Map(names.flatMap((name, at) => (copied[at] ? [[name, copied[at]]] : []))))
  }

  /** What a replica has not got is gone, connections break, and the server knows that it was promoted. */
  async failOver(shard: number): Promise<void> {
    const { client } = this.#rig
    await client.replicaof('127.0.0.1', 1)
    await client.replicaof('NO', 'ONE')
    const now = await client.keys(`test:{${shard}}:*`)
    if (now.length > 0) await client.del(now)
    for (const [name, copy] of this.#copies.get(shard) ?? [])
      await client.restore(name, 0, copy as never, 'REPLACE')
    const before = await this.#connections()
    await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await this.#allReady(before)
  }

  /** Begins to add shards where nobody does, or does one more step of it. */
  async grow(to: number): Promise<void> {
    if (this.#grower === undefined) this.#grower = await this.#begin(to)
    else this.#grower.go('on')
    await this.#stepDone
  }

  async killGrower(): Promise<void> {
    this.#grower?.go('killed')
    await this.#grower?.done
    this.#grower = undefined
  }

  /** Shards are added to the end, whatever was left half way; and all is looked at. */
  async end(to: number): Promise<void> {
    await this.killGrower()
    await new Growth(await operator(this.#rig), { readByAllMs: 0 }).grow(to).catch((error) => {
      if (error.name !== 'GrowthRefused') throw error
    })
    await this.lookAround()
    const twice = this.told.filter((id, at) => this.told.indexOf(id) !== at)
    this.flaws.push(...twice.map((id) => `id ${id} twice`))
    await this.#wordsOnce()
  }

  #stepDone: Promise<unknown> = Promise.resolve()

  async #begin(to: number): Promise<Grower> {
    const shards = await operator(this.#rig)
    let release: (how: 'on' | 'killed') => void = () => {}
    let reached = (): void => {}
    const expectStep = (): void => {
      this.#stepDone = new Promise<void>((resolve) => {
        reached = resolve
      })
    }
    const tell = async (step: string): Promise<void> => {
      const shard = /^shard (\d+):/.exec(step)?.[1]
      if (shard !== undefined) await this.sync(Number(shard))
      const how = await new Promise<'on' | 'killed'>((resolve) => {
        release = resolve
        reached()
      })
      if (how === 'killed') throw new Error('killed')
    }
    expectStep()
    const done = new Growth(shards, { readByAllMs: 0, tell })
      .grow(to)
      .catch((error) => {
        if (!/killed|never fewer/.test(error.message)) this.flaws.push(`growing: ${error.message}`)
      })
      .finally(() => {
        this.#grower = undefined
        reached()
      })
    return {
      shards,
      done,
      go: (how) => {
        expectStep()
        release(how)
      },
    }
  }

  async #connections(): Promise<string[]> {
    const list = String(await this.#rig.client.client('LIST'))
    return [...list.matchAll(/^id=(\d+) .* name=timers-/gm)].map(([, id]) => String(id))
  }

  /** Over other connections than before. */
  async #allReady(before: readonly string[]): Promise<void> {
    const all = [...this.#stores, ...(this.#grower === undefined ? [] : [this.#grower.shards])]
    await eventually(
      async () => {
        const now = await this.#connections()
        expect(now).toHaveLength(before.length)
        expect(now.filter((id) => before.includes(id))).toEqual([])
        expect(all.map((each) => each.health().ready)).not.toContain(false)
      },
      { intervalMs: 5 },
    )
  }

  async #living(): Promise<number[]> {
    const names = await this.#rig.client.keys('test:{*}:t*')
    return names.flatMap((name) => /:t(\d+)$/.exec(name)?.[1] ?? []).map(Number)
  }

  /** One timer for each key that is not finished, and for each idempotency key. */
  async #wordsOnce(): Promise<void> {
    const { client } = this.#rig
    const words: string[] = []
    for (const name of await client.keys('test:{*}:t*')) {
      const [ky, ik, st] = await client.hmget(name, 'ky', 'ik', 'st')
      if (ky && !st) words.push(`key ${ky}`)
      if (ik) words.push(`idempotency key ${ik.split(':')[0]}`)
    }
    const twice = words.filter((word, at) => words.indexOf(word) !== at)
    this.flaws.push(...twice.map((word) => `${word} twice`))
  }

  /** A busy machine may be slow to answer: what was not told does not count. */
  async #ask(work: () => Promise<unknown>, refusal?: string): Promise<void> {
    await work().catch((error) => {
      if (![refusal, 'STORE_UNAVAILABLE', 'STORE_REFUSED'].includes(error.code)) throw error
    })
  }

  #tell(id: number): void {
    this.told.push(id)
  }

  #store(process: number): RedisTimerStore {
    return this.#stores[process % this.#stores.length] as RedisTimerStore
  }
}
