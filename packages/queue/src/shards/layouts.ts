/**
 * # Layouts
 *
 * A shard numbers its timers, 1 and on; a layout says how the numbers of all shards share out the integers among them. Shards are
 * added by a new layout, which holds for all ids above those that the one before may still hand out. So an id belongs to one layout
 * for ever, and leads to one shard; nothing is ever moved. The list only grows. The first layout has the number 0.
 */
export interface Layout {
  /** It holds for ids above this one. */
  readonly from: number
  readonly shards: number
}

/** A shard in which a word may lie (`homesOf`). */
export interface WordHome {
  readonly shard: number
  /** The last layout in which it is the word's home: as soon as the shard follows a later one, it takes the word no more. */
  readonly upTo: number
}

/** All layouts of an installation, as far as somebody knows them. */
export class Layouts {
  readonly list: readonly [Layout, ...Layout[]]

  constructor(list: readonly [Layout, ...Layout[]]) {
    this.list = list
  }

  static first(shards: number): Layouts {
    return new Layouts([{ from: 0, shards }])
  }

  get first(): Layout {
    return this.list[0]
  }

  get newest(): Layout {
    return this.list.at(-1) as Layout
  }

  /** Number of the newest. */
  get number(): number {
    return this.list.length - 1
  }

  /** How many shards there are: it never goes down. */
  get shards(): number {
    return this.newest.shards
  }

  with(layout: Layout): Layouts {
    return new Layouts([...this.list, layout])
  }

  /** The shard of a timer. */
  shardOf(id: number): number {
    const { from, shards } = this.list.findLast((layout) => layout.from < id) ?? this.first
    return (id - from - 1) % shards
  }

  /**
   * Where a word may lie, the oldest home first: it lies in the first that has it. One that has not, and follows a later layout
   * than `upTo`, will never have it again (lua/includes/homes.lua).
   *
   * @param hash of the word: what decides its home in each layout
   */
  homesOf(hash: number): WordHome[] {
    const homes: WordHome[] = []
    for (const [upTo, { shards }] of this.list.entries()) {
      const shard = hash % shards
      if (homes.at(-1)?.shard === shard) homes.pop()
      homes.push({ shard, upTo })
    }
    return homes
  }
}

/** The id of a shard's n-th number in a layout; lua/includes/mint.lua is the same. */
export function idOf({ from, shards }: Layout, shard: number, number: number): number {
  return from + (number - 1) * shards + shard + 1
}

/** As it stands in Redis: `<from>:<shards>`. */
export function layoutText({ from, shards }: Layout): string {
  return `${from}:${shards}`
}

export function parseLayout(text: string): Layout {
  const [from, shards] = text.split(':').map(Number)
  return { from: from as number, shards: shards as number }
}
