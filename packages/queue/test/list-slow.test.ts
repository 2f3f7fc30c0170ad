import { startTcpProxy } from '@timers/lab'
import { draft, Rig } from './rig.ts'

const HOUR = 3_600_000
/** Half of them pass the filter: a page of a thousand looks at all. */
const TIMERS = 2_000

describe('lists where Redis is far away, or busy', () => {
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())

  test('a page that was too long for its two seconds was 503, however often it was asked for', async () => {
    const proxy = await startTcpProxy({ targetPort: rig.redis.port })
    rig.onClose(() => proxy.close())
    const store = await rig.store({ shards: 2, redisUrl: `redis://127.0.0.1:${proxy.port}` })
    const drafts = Array.from({ length: TIMERS }, (_, at) =>
      draft(HOUR, `https://receiver-${at % 2}.example`),
    )
    for (const drafted of [drafts.slice(0, 1_000), drafts.slice(1_000)])
      await store.createAll(drafted.map((each) => ({ draft: each })))
    proxy.setDelay(30)
    const seen: number[] = []
    let pages = 0
    let after: { readonly dueAt: number; readonly id: number } | undefined
    do {
      const page = await store.list({
        filter: { origin: 'https://receiver-0.example' },
        order: 'asc',
        limit: 1_000,
        after,
      })
      seen.push(...page.timers.map(({ id }) => id))
      pages += 1
      after = page.next
    } while (after !== undefined)
    expect(pages).toBeGreaterThan(1)
    expect(seen.length).toBe(TIMERS / 2)
    expect(new Set(seen).size).toBe(TIMERS / 2)
  })
})
