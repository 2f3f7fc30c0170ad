import fc from 'fast-check'
import { idOf, type Layout, Layouts } from './layouts.ts'

/** Layouts as they are made: each begins above all ids that the one before has handed out, and has no fewer shards. */
const layouts = fc
  .tuple(
    fc.integer({ min: 1, max: 16 }),
    fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 1, max: 50 })), { maxLength: 4 }),
  )
  .map(([first, later]) =>
    later.reduce(
      (all, [more, numbers]) =>
        all.with({ from: all.newest.from + numbers * all.shards, shards: all.shards + more }),
      Layouts.first(first),
    ),
  )

/** How many numbers each shard has in a layout. */
const numbersIn = ({ list }: Layouts, number: number): number => {
  const { from, shards } = list[number] as Layout
  return ((list[number + 1]?.from ?? from + 20 * shards) - from) / shards
}

describe('layouts', () => {
  test('every id is handed out by one shard, once, and leads to it', () => {
    fc.assert(
      fc.property(layouts, (all) => {
        let next = 1
        for (const [number, layout] of all.list.entries()) {
          for (let n = 1; n <= numbersIn(all, number); n += 1) {
            for (let shard = 0; shard < layout.shards; shard += 1) {
              const id = idOf(layout, shard, n)
              expect(id).toBe(next)
              expect(all.shardOf(id)).toBe(shard)
              next += 1
            }
          }
        }
      }),
    )
  })

  test('one that is added leaves all ids where they were', () => {
    fc.assert(
      fc.property(layouts, fc.nat(8), (all, more) => {
        const from = all.newest.from + 10 * all.shards
        const grown = all.with({ from, shards: all.shards + more })
        for (let id = 1; id <= from; id += 1) expect(grown.shardOf(id)).toBe(all.shardOf(id))
      }),
    )
  })

  test('the homes of a word: the last one is its home now, and each was up to a later layout than the one before', () => {
    fc.assert(
      fc.property(layouts, fc.nat(), (all, hash) => {
        const homes = all.homesOf(hash)
        expect(homes.at(-1)).toEqual({ shard: hash % all.shards, upTo: all.number })
        for (const [number, { shards }] of all.list.entries()) {
          expect(homes.find(({ upTo }) => upTo >= number)?.shard).toBe(hash % shards)
        }
        for (const [at, home] of homes.entries()) expect(home.shard).not.toBe(homes[at + 1]?.shard)
      }),
    )
  })
})
