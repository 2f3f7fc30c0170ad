import { FLAWLESS } from '@timers/lab'
import { Load } from '../src/load.ts'
import { judgeAtRest } from '../src/rest.ts'
import { installations } from './installations.ts'

describe('TIMER_SHARDS=3', () => {
  const start = installations()

  test('timers are spread over all shards, and fire once', async () => {
    const installation = await start({ env: { TIMER_SHARDS: 3 } })
    const load = new Load(installation)
    await load.run({ count: 90, overMs: 500, seconds: [1, 2] })

    expect(await judgeAtRest(installation, load)).toEqual({ flaws: FLAWLESS, unknown: [] })
    const ids = load.acknowledged.map(({ acknowledged }) => acknowledged?.id ?? 0)
    expect(ids).toHaveLength(90)
    for (const shard of [0, 1, 2]) expect(ids.filter((id) => (id - 1) % 3 === shard)).toHaveLength(30)
    for (const shard of [0, 1, 2]) {
      expect(await installation.redis.command('ZCARD', `timers:{${shard}}:completed`)).toBe(30)
    }
  }, 60_000)
})
