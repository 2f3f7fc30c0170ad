import fc from 'fast-check'
import { Actors } from './life-actors.ts'
import type { Step } from './life-world.ts'
import { Rig } from './rig.ts'

const RUNS = Number(process.env.LIFE_RUNS ?? 60)

const which = fc.nat(9)
const late = fc.boolean()
const labels = fc.constantFrom('', '', 'a', 'b', 'a b')
const key = fc.integer({ min: 1, max: 2 })

const create: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('create' as const),
  key: fc.nat(2),
  late: fc.constantFrom(true, false, false, false),
  again: fc.boolean(),
  expires: fc.constantFrom(true, false, false),
  told: fc.constantFrom(true, false, false),
  labels,
})

const doing = <T extends Step['do']>(what: T, more: object = {}) =>
  fc.record({ do: fc.constant(what), of: which, ...more }) as unknown as fc.Arbitrary<Step>

const worker = fc.nat(1)
const outcome = fc.constantFrom('delivered', 'rejected', 'never sent', 'ambiguous')
/** Most of all what workers do: a client's word ends a timer soon. */
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: doing('work', { worker }) },
  { weight: 8, arbitrary: doing('settle', { outcome, late: fc.constantFrom(true, false, false, false) }) },
  { weight: 5, arbitrary: doing('give up') },
  { weight: 3, arbitrary: doing('take', { worker }) },
  { weight: 3, arbitrary: doing('claim') },
  { weight: 2, arbitrary: doing('rest') },
  { weight: 2, arbitrary: doing('defer', { held: fc.boolean(), late }) },
  { weight: 1, arbitrary: doing('lose') },
  { weight: 2, arbitrary: doing('look for lost ones') },
  { weight: 2, arbitrary: create },
  {
    weight: 2,
    arbitrary: doing('upsert', { key, late, keep: fc.constantFrom('all', 'due', 'none'), labels }),
  },
  {
    weight: 2,
    arbitrary: doing('change', {
      to: fc.constantFrom('past', 'past', 'same', 'future'),
      labels: fc.option(labels, { nil: undefined }),
      expires: fc.option(fc.boolean(), { nil: undefined }),
      keyed: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: doing('hand on a key', { key, keep: fc.constantFrom('all', 'due', 'none') }) },
  { weight: 2, arbitrary: doing('cancel') },
  { weight: 3, arbitrary: doing('redrive', { keyed: fc.boolean() }) },
  { weight: 1, arbitrary: doing('resolve', { as: fc.constantFrom('fired', 'failed') }) },
  { weight: 4, arbitrary: doing('send again', { of: fc.oneof(which, fc.nat(40)) }) },
  { weight: 1, arbitrary: doing('sweep') },
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
      fc.asyncProperty(fc.array(create, { minLength: 2, maxLength: 5 }), steps, async (first, more) => {
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
