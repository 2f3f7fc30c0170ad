import { jest } from '@jest/globals'
import { gateOf } from '../../test/gate-bed.ts'
import { onFakeClock, silently, Visitors, within } from '../../test/gate-receiver.ts'

const MINUTE = 60

/** docs/adr/0006-origin-gate.md */
describe('ReceiverGate, a receiver that is not known yet', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 100_000_000 })
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  /**
   * No new receiver waits for its first request for more than a second: two come each second of a minute, beside silent ones
   * that have come to know the gate for some seconds, and go on to get timers.
   */
  const expectEarly = async (given: {
    readonly hands: number
    readonly silent: number
    readonly silentUrl: (index: number) => string
    readonly newUrl: (index: number) => string
    /** Over how many seconds the silent ones come for the first time. */
    readonly over: number
    /** Timers that each silent one has then, at once. */
    readonly each: number
  }) => {
    const gate = gateOf(20, given.hands)
    const visitors = new Visitors(gate)
    for (let index = 0; index < given.silent; index += 1) {
      const come = () => {
        for (let time = 0; time < given.each; time += 1) visitors.come(given.silentUrl(index), silently)
      }
      onFakeClock((index * given.over * 1_000) / given.silent, come)
    }
    await jest.advanceTimersByTimeAsync(given.over * 1_000 + 500)
    const waits: number[] = []
    let newest = 0
    const askedBefore = visitors.asked
    for (let second = 0; second < MINUTE; second += 1) {
      for (const after of [137, 637]) {
        onFakeClock(after, () => {
          newest += 1
          visitors.come(given.newUrl(newest), within(20), (waitedMs) => waits.push(waitedMs))
        })
        const beside = given.silentUrl((second * 2) % given.silent)
        onFakeClock(after - 50, () => visitors.come(beside, silently))
      }
      await jest.advanceTimersByTimeAsync(1_000)
    }
    const { newcomersInFlight } = gate
    const askedEachSecond = (visitors.asked - askedBefore) / MINUTE
    await jest.advanceTimersByTimeAsync(120_000)
    gate.close()
    expect(waits).toHaveLength(2 * MINUTE)
    expect(newcomersInFlight).toBeLessThanOrEqual((given.hands * 3) / 4)
    expect(Math.max(...waits)).toBeLessThanOrEqual(1_000)
    expect(askedEachSecond).toBeLessThan(600)
  }

  test.each([
    { hands: 100, silent: 200, over: 0, each: 1 },
    { hands: 100, silent: 200, over: 4, each: 1 },
    { hands: 100, silent: 200, over: 20, each: 1 },
    { hands: 100, silent: 200, over: 0, each: 5 },
    { hands: 100, silent: 200, over: 4, each: 5 },
    { hands: 100, silent: 200, over: 20, each: 5 },
    { hands: 200, silent: 1_000, over: 10, each: 3 },
    { hands: 2_000, silent: 3_000, over: 20, each: 1 },
    { hands: 2_000, silent: 200, over: 0, each: 50 },
  ])(
    'was late beside $silent silent hosts that came over $over s, $each timers each, with $hands hands',
    async (given) => {
      await expectEarly({
        ...given,
        silentUrl: (index) => `http://h${index}.example/hook`,
        newUrl: (index) => `http://new${index}.example/hook`,
      })
    },
  )

  test.each([
    { hands: 2_000, silent: 200, over: 0, each: 1 },
    { hands: 2_000, silent: 200, over: 4, each: 1 },
    { hands: 2_000, silent: 30, over: 4, each: 20 },
    { hands: 2_000, silent: 200, over: 20, each: 5 },
  ])(
    'was late beside $silent silent ports of its host that came over $over s, $each timers each',
    async (given) => {
      await expectEarly({
        ...given,
        silentUrl: (index) => `http://a.example:${1_000 + index}/hook`,
        newUrl: (index) => `http://a.example:${10_000 + index}/hook`,
      })
    },
  )
})
