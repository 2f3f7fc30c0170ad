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

  test.each(['api', 'worker'] as const)(
    'another number of shards than the data has stops the %s',
    async (app) => {
      installation = await Installation.start({ apis: 1, workers: 0, env: { TIMER_SHARDS: 3 } })
      const settings = { TIMER_SHARDS: 2, PORT: 0, DASHBOARD_PORT: 0, DASHBOARD_PASSWORD: 'e2e' }
      const service = installation.spawn(app, settings)
      expect(await service.exited).toEqual({ code: 1, signal: null })
      expect(service.logs.map(({ msg }) => msg)).toContainEqual(
        'this Redis holds timers in 3 shards, and TIMER_SHARDS is 2: set TIMER_SHARDS=3',
      )
    },
  )
})
