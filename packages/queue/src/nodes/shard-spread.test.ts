import { shardKeys } from '../shards/shard-keys.ts'
import { type SlotOwner, spreadOf } from './shard-spread.ts'

/** So many primaries with equal parts of the slots. */
function owners(count: number): SlotOwner[] {
  const part = 16_384 / count
  return Array.from({ length: count }, (_, index) => ({
    name: `10.0.0.${index}:6379`,
    slots: [[Math.ceil(index * part), Math.ceil((index + 1) * part) - 1]],
    moving: 0,
    failing: false,
  }))
}

const spread = (shards: number, primaries: readonly SlotOwner[]) =>
  spreadOf(
    Array.from({ length: shards }, (_, index) => shardKeys('timers', index)),
    primaries,
  )
const counts = (shards: number, primaries: readonly SlotOwner[]) =>
  spread(shards, primaries).nodes.map((node) => node.shards.length)

describe('how shards are spread over primaries', () => {
  test('each shard is told of once, with the primary that has its slot', () => {
    const { nodes, unserved } = spread(16, owners(3))
    expect(nodes.flatMap(({ shards }) => shards).sort((a, b) => a - b)).toEqual([...Array(16).keys()])
    expect(unserved).toEqual([])
    // The slot of {0} is 13,907.
    expect(nodes[2]?.shards).toContain(0)
  })

  test.each([
    [1, 1],
    [64, 1],
    [64, 3],
    [64, 6],
    [16, 3],
  ])('%i shards on %i primaries are even enough', (shards, primaries) => {
    expect(spread(shards, owners(primaries)).advice).toBeUndefined()
  })

  test.each([
    [
      1,
      3,
      /^1 shard cannot use 3 primaries: \d+ would be spread evenly, \d+ to \d+ each \(npm run shards -- --grow \d+;/,
    ],
    [3, 3, /^of 3 shards one primary has 2, another one 0: \d+ would be/],
    [12, 6, /^of 12 shards one primary has 3, another one 0: \d+ would be/],
  ])('%i shards on %i primaries: it is said what to write, and that is even', (shards, primaries, words) => {
    const { advice = '' } = spread(shards, owners(primaries))
    expect(advice).toMatch(words)
    const better = Number(/TIMER_SHARDS=(\d+)/.exec(advice)?.[1])
    expect(better).toBeGreaterThan(shards)
    const then = counts(better, owners(primaries))
    expect(Math.max(...then)).toBeLessThanOrEqual((1.25 * better) / primaries)
    expect(Math.min(...then)).toBeGreaterThan(0)
    expect(advice).toContain(`${Math.min(...then)} to ${Math.max(...then)} each`)
  })

  test('where one primary has nearly no slots, more shards do not help', () => {
    const [first, second] = owners(2) as [SlotOwner, SlotOwner]
    const poor = { ...second, slots: [[16_383, 16_383]] as const }
    const { advice } = spread(8, [{ ...first, slots: [[0, 16_382]] }, poor])
    expect(advice).toMatch(/move slots between the primaries$/)
  })

  test('shards of slots that nobody serves, or a primary that is held for dead, are named', () => {
    const [first, second, third] = owners(3) as [SlotOwner, SlotOwner, SlotOwner]
    const whole = spread(8, [first, second, third])
    const without = spread(8, [first, { ...second, failing: true }])
    const away = [...(whole.nodes[1]?.shards ?? []), ...(whole.nodes[2]?.shards ?? [])]
    expect(without.unserved).toEqual(away.sort((a, b) => a - b))
  })
})
