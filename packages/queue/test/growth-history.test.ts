import fc from 'fast-check'
import { HistoryWorld } from './history-world.ts'
import { Rig } from './rig.ts'

const SHARDS = 2
const MOST = 7

/** Something that happens in a history. */
interface Event {
  readonly run: (world: HistoryWorld) => Promise<void>
  readonly [fc.toStringMethod]: () => string
}

function happens<Of extends readonly unknown[]>(
  weight: number,
  name: string,
  of: fc.Arbitrary<Of>,
  run: (world: HistoryWorld, ...of: Of) => Promise<void>,
): { weight: number; arbitrary: fc.Arbitrary<Event> } {
  const arbitrary = of.map((each) => ({
    run: (world: HistoryWorld) => run(world, ...each),
    [fc.toStringMethod]: () => `${name}(${each.join(', ')})`,
  }))
  return { weight, arbitrary }
}

const by = fc.nat(2)
const shard = fc.tuple(fc.nat(MOST - 1))
const word = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const nothing: fc.Arbitrary<[]> = fc.constant([])

const events = fc.oneof(
  happens(4, 'create', fc.tuple(by, fc.constantFrom(1, 3, 120)), (world, by, count) =>
    world.create(by, count),
  ),
  happens(3, 'createWith', fc.tuple(by, word), (world, by, key) => world.createWith(by, key)),
  happens(2, 'put', fc.tuple(by, word), (world, by, key) => world.put(by, key)),
  happens(2, 'createOnce', fc.tuple(by, word), (world, by, key) => world.createOnce(by, key)),
  happens(1, 'cancel', fc.tuple(by, word), (world, by, key) => world.cancel(by, key)),
  happens(1, 'lookAround', nothing, (world) => world.lookAround()),
  happens(2, 'sync', shard, (world, on) => world.sync(on)),
  happens(1, 'failOver', shard, (world, on) => world.failOver(on)),
  happens(6, 'grow', fc.tuple(fc.integer({ min: 3, max: MOST })), (world, to) => world.grow(to)),
  happens(1, 'killGrower', nothing, (world) => world.killGrower()),
)

/** More of them: HISTORIES=500 HISTORIES_MS=240000. */
const RUNS = Number(process.env.HISTORIES ?? 20)
const WITHIN_MS = Number(process.env.HISTORIES_MS ?? 30_000)

test('histories of growing, with processes that know old layouts, failovers that lose the tail, and commands that are killed', async () => {
  const rig = await Rig.start()
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(events, { minLength: 10, maxLength: 40, size: 'max' }), async (history) => {
        const world = await HistoryWorld.open(rig, 3, SHARDS)
        try {
          for (const { run } of history) await run(world)
          await world.end(MOST)
          expect(world.flaws).toEqual([])
        } finally {
          await world.killGrower()
          await rig.reset()
        }
      }),
      { numRuns: RUNS, interruptAfterTimeLimit: WITHIN_MS },
    )
  } finally {
    await rig.close()
  }
})
