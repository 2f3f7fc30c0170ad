import type { Log } from '@timers/core'
import type { OverdueTimer } from './overdue.ts'
import { Watchdog } from './watchdog.ts'

const SECOND = 1_000

/** A watchdog whose world the test sets; it looks when it is told to. */
function watched() {
  const said: string[] = []
  const say = (level: string) => (_: object, message: string) => void said.push(`${level}: ${message}`)
  const world = {
    overdue: undefined as OverdueTimer | undefined,
    taken: 0,
    full: false,
    restarts: 0,
    away: false,
    said,
  }
  const log: Log = { debug: () => {}, info: say('info'), warn: say('warn'), error: say('error') }
  const watchdog = new Watchdog({
    log,
    stuckAfterMs: 10 * SECOND,
    look: async () => {
      if (world.away) throw new Error('away')
      return world.overdue
    },
    taken: () => world.taken,
    full: () => world.full,
    restart: async () => {
      world.restarts += 1
    },
  })
  /** Looks every two seconds from `from` to `to`, both included. */
  const look = async (from: number, to: number, before: () => void = () => {}) => {
    for (let second = from; second <= to; second += 2) {
      before()
      await watchdog.look(second * SECOND)
    }
  }
  return { world, watchdog, look }
}

const overdue = { id: 7, since: 0, paused: false }

describe('Watchdog', () => {
  test('restarts a consumer that takes nothing for as long as is allowed, not before', async () => {
    const { world, look } = watched()
    world.overdue = overdue
    await look(2, 12)
    expect(world.restarts).toBe(0)
    await look(14, 14)
    expect(world.restarts).toBe(1)
    expect(world.said).toEqual([expect.stringMatching(/^error: .*restarting the consumer/)])
  })

  test('gives the new one as long, and then restarts it, too', async () => {
    const { world, look } = watched()
    world.overdue = overdue
    await look(2, 14)
    await look(16, 24)
    expect(world.restarts).toBe(1)
    await look(26, 26)
    expect(world.restarts).toBe(2)
  })

  test('lets a consumer be that has nothing to do', async () => {
    const { world, watchdog, look } = watched()
    await look(2, 60)
    expect(world.restarts).toBe(0)
    expect(watchdog.last).toBeUndefined()
  })

  test('lets a consumer be that takes timers, however much is overdue', async () => {
    const { world, watchdog, look } = watched()
    world.overdue = overdue
    await look(2, 60, () => {
      world.taken += 1
    })
    expect(world.restarts).toBe(0)
    expect(watchdog.last).toEqual(overdue)
  })

  test('lets a consumer be whose hands are full: that is busy, not stuck', async () => {
    const { world, look } = watched()
    world.overdue = overdue
    world.full = true
    await look(2, 60)
    expect(world.restarts).toBe(0)
    world.full = false
    await look(62, 70)
    expect(world.restarts).toBe(0)
  })

  test('says once that a queue is paused, and restarts nothing', async () => {
    const { world, look } = watched()
    world.overdue = { ...overdue, paused: true }
    await look(2, 60)
    expect(world.restarts).toBe(0)
    expect(world.said).toEqual(['warn: timers are due, but their queue is paused'])
  })

  test('restarted at the first look after a pause that came while nothing was taken', async () => {
    const { world, look } = watched()
    world.overdue = overdue
    await look(2, 6)
    world.overdue = { ...overdue, paused: true }
    await look(8, 60)
    world.overdue = overdue
    await look(62, 70)
    expect(world.restarts).toBe(0)
    await look(72, 74)
    expect(world.restarts).toBe(1)
  })

  test('knows nothing while Redis is away, and begins to count anew', async () => {
    const { world, look } = watched()
    world.overdue = overdue
    await look(2, 10)
    world.away = true
    await look(12, 40)
    world.away = false
    await look(42, 50)
    expect(world.restarts).toBe(0)
  })

  test('a look that takes long is not joined by another', async () => {
    let looks = 0
    let answer = () => {}
    const watchdog = new Watchdog({
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      look: async () => {
        looks += 1
        await new Promise<void>((resolve) => {
          answer = resolve
        })
        return undefined
      },
      taken: () => 0,
      full: () => false,
      restart: async () => {},
    })
    const first = watchdog.look(0)
    await watchdog.look(2_000)
    expect(looks).toBe(1)
    answer()
    await first
  })
})
