import fc from 'fast-check'
import { Actors, type Step } from './life-actors.ts'
import { Rig } from './rig.ts'

const RUNS = Number(process.env.LIFE_RUNS ?? 60)

const which = fc.nat(9)
const late = fc.boolean()
const labels = fc.constantFrom('', '', 'a', 'b', 'a b')
const key = fc.integer({ min: 1, max: 2 })

const create: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('create' as const),
  key: fc.nat(2),
  late: fc.constantFrom(true, false, false),
  again: fc.boolean(),
  expires: fc.constantFrom(true, false, false),
  told: fc.constantFrom(true, false, false),
  labels,
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: create },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('upsert' as const),
      key,
      late,
      keep: fc.constantFrom('all' as const, 'due' as const, 'none' as const),
      labels,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      of: which,
      to: fc.constantFrom('past' as const, 'past' as const, 'future' as const, 'same' as const),
      labels: fc.option(labels, { nil: undefined }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('cancel' as const, 'redrive' as const), of: which }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('resolve' as const),
      of: which,
      as: fc.constantFrom('fired' as const, 'failed' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('send again' as const), of: which }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('take' as const), worker: fc.nat(1) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('claim' as const, 'claim' as const, 'rest' as const),
      of: which,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('defer' as const), of: which, held: fc.boolean(), late }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      of: which,
      outcome: fc.constantFrom(
        'delivered' as const,
        'rejected' as const,
        'never sent' as const,
        'ambiguous' as const,
      ),
      late: fc.constantFrom(true, false, false),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('lose' as const), of: which }) },
  { weight: 3, arbitrary: fc.constant({ do: 'look for lost ones' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'sweep' as const }) },
)

const steps = fc.array(step, { minLength: 20, maxLength: 80, size: 'max' })

describe('a timer’s whole life, by clients and workers that do anything in any order', () => {
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())

  test('every answer is that of the model, and every timer is where it belongs after every step', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(create, { minLength: 1, maxLength: 4 }), steps, async (first, more) => {
        await rig.reset()
        const actors = new Actors(rig)
        try {
          for (const each of [...first, ...more]) {
            await actors.play(each)
            await actors.check()
          }
        } finally {
          await actors.close()
        }
      }),
      { numRuns: RUNS, endOnFailure: process.env.LIFE_SHRINK === undefined },
    )
  }, 600_000)
})
