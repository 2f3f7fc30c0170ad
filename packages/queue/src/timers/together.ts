import type { Shard } from '../shards/shards.ts'
import { unavailable } from './store-error.ts'

/** Steps of a shard that are under way at a time, whoever asks for them: who wants one timer waits for no more. */
const MOST_STEPS = 4

/**
 * Does many things together that each stand alone, in steps of some for one shard: a bounded number of steps at a time, and
 * all of it in a bounded time, whatever Redis does. What is not known to be done by then is told as such, and what was not
 * sent by then is not sent any more.
 */
export class Together {
  readonly #slots = new Map<Shard, Slots>()

  /**
   * What came of each. Never throws.
   *
   * @param shardOf in which shard a thing is done; things of one shard are done in their order
   * @param work does all things of one shard, in steps by `inStep`, and tells of each what came of it
   */
  async all<Thing, Outcome>(
    things: readonly Thing[],
    withinMs: number,
    shardOf: (thing: Thing) => Shard,
    work: (shard: Shard, items: readonly Item<Thing>[], run: Run<Outcome>) => Promise<unknown>,
  ): Promise<readonly (Outcome | Error)[]> {
    const outcomes: (Outcome | Error)[] = Array(things.length).fill(
      unavailable(new Error('no answer in time')),
    )
    if (withinMs <= 0) return outcomes
    let over = false
    const runIn = (shard: Shard): Run<Outcome> => ({
      tell: ({ place }, outcome) => {
        if (!over) outcomes[place] = outcome
      },
      step: (step) => this.#slotsOf(shard).run(async () => (over ? undefined : step())),
    })
    const done = Promise.all(
      [...byShard(things, shardOf)].map(([shard, items]) =>
        shard.verified ? work(shard, items, runIn(shard)) : undefined,
      ),
    )
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs)
    })
    await Promise.race([done, late])
    clearTimeout(timer)
    over = true
    return outcomes
  }

  #slotsOf(shard: Shard): Slots {
    const slots = this.#slots.get(shard) ?? new Slots(MOST_STEPS)
    this.#slots.set(shard, slots)
    return slots
  }
}

/** One of the things, and its place among all. */
export interface Item<Thing> {
  readonly thing: Thing
  readonly place: number
}

/** What the work in a shard goes by. */
export interface Run<Outcome> {
  tell(item: Item<unknown>, outcome: Outcome | Error): void
  /** Does a step when there is a turn for it; skips it when the time is over. */
  step(step: () => Promise<void>): Promise<void>
}

function byShard<Thing>(
  things: readonly Thing[],
  shardOf: (thing: Thing) => Shard,
): Map<Shard, Item<Thing>[]> {
  const shares = new Map<Shard, Item<Thing>[]>()
  for (const [place, thing] of things.entries()) {
    const shard = shardOf(thing)
    const share = shares.get(shard)
    if (share === undefined) shares.set(shard, [{ thing, place }])
    else share.push({ thing, place })
  }
  return shares
}

/** Lets so many work at a time; the others wait in a row. */
class Slots {
  #free: number
  readonly #row: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  async run(work: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#row.push(resolve))
    try {
      await work()
    } finally {
      const next = this.#row.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
