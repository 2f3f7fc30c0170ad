import { eventually } from '@timers/lab'
import { RedisHost } from '../src/redis-host.ts'

describe('the Redis of the experiment', () => {
  let host: RedisHost
  beforeAll(async () => {
    host = await RedisHost.start(1)
  })
  afterAll(() => host.close())

  /** Writes something that is acknowledged, lets the fault happen, and expects to find it again. */
  async function keeps(fault: () => Promise<unknown>): Promise<unknown> {
    const key = `key-${Math.random()}`
    await host.server.command('SET', key, 'acknowledged')
    const outcome = await fault()
    expect(await host.server.command('GET', key)).toBe('acknowledged')
    return outcome
  }

  test('is the same after a kill -9', async () => {
    await keeps(() => host.killFor(0))
  })

  test.each([0, 0.3, 0.6, 0.9])(
    'loads its data whatever way the last record was cut short (%d)',
    async (dice) => {
      expect(await keeps(() => host.killAndCutTailFor(0, dice))).toMatch(/added/)
      expect(await host.server.command('EXISTS', 'timers:chaos')).toBe(0)
    },
  )

  test('ends itself when its disk is full, and is the same when there is room', async () => {
    let filling = true
    const write = async (): Promise<void> => {
      while (filling) await host.server.command('SET', 'filler', 'x'.repeat(1_000))
    }
    const outcome = await keeps(async () => {
      const writing = write().catch(() => {})
      const filled = await host.fillDiskFor(1_000, 0.1).finally(() => {
        filling = false
      })
      await writing
      return filled
    })
    expect(outcome).toMatch(/ended by itself/)
    await host.server.command('SET', 'after', '1')
  })

  test('takes no writes while it is out of memory', async () => {
    const fault = host.outOfMemoryFor(1_000)
    await eventually(() => expect(host.server.command('SET', 'more', '1')).rejects.toThrow(/^OOM/), {
      timeoutMs: 900,
    })
    await fault
    await host.server.command('SET', 'more', '1')
  })

  test('did nothing here that nobody asked for', () => {
    expect(host.crashes).toEqual([])
  })
})
