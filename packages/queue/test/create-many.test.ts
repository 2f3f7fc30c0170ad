import type { Created, NewTimerRequest, TimerDraft } from '@timers/core'
import { draft, Rig } from './rig.ts'

const HOUR = 3_600_000

describe('many timers created together', () => {
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  afterEach(() => rig.reset())

  const requests = (count: number, more: Partial<TimerDraft> = {}): NewTimerRequest[] =>
    Array.from({ length: count }, (_, index) => ({
      draft: { ...draft(HOUR + index, `https://receiver.example/${index}`), ...more },
    }))
  const created = (results: readonly (Created | Error)[]): Created[] =>
    results.map((result) => {
      if (result instanceof Error) throw result
      return result
    })

  test('speed', async () => {
    const store = await rig.store()
    const big = requests(1000)
    for (let n = 0; n < 60; n++) {
      const t = performance.now()
      const res = created(await store.createAll(big))
      if (n % 10 === 0) console.log(performance.now() - t, res.length)
    }
    const t0 = performance.now()
    await Promise.all(Array.from({ length: 8 }, () => store.createAll(big)))
    console.log('8 at once', performance.now() - t0)
    for (let n = 0; n < 3; n++) {
      const t1 = performance.now()
      let i = 0
      await Promise.all(
        Array.from({ length: 64 }, async () => {
          while (i++ < 5000) await store.create(big[i % 1000]!.draft)
        }),
      )
      console.log('5000 singles', performance.now() - t1)
    }
    const stats = await rig.client.info('commandstats')
    console.log(
      stats
        .split('\n')
        .filter((l: string) => /evalsha|hset|zadd|exists/.test(l))
        .join('\n'),
    )
  })
})
