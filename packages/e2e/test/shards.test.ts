import { Installation } from '../src/installation.ts'
import { Load } from '../src/load.ts'
import { judgeAtRest } from '../src/rest.ts'
import { FLAWLESS } from '../src/verdict.ts'

describe('TIMER_SHARDS=3', () => {
  let installation: Installation | undefined
  afterEach(() => installation?.close())

  test('timers are spread over all shards, and fire once', async () => {
    installation = await Installation.start({ env: { TIMER_SHARDS: 3 } })
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
