import { createAddressPolicy, createTimer } from '@timers/core'
import { Rig } from './rig.ts'

/** A create whose answer was lost, and which is sent again when the time that it asks for has passed. */
describe('a create by an instant, sent again with its idempotency key', () => {
  const NOW = Date.now()
  const at = new Date(NOW + 60_000).toISOString()
  const origin = { requestId: 'req-1', traceparent: undefined }
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  afterEach(() => rig.reset())

  async function send(key: string, now: number, url = 'https://a.b/c') {
    const store = await rig.store()
    const addressPolicy = createAddressPolicy({ allowCidrs: [] })
    const deps = { store, addressPolicy, clock: { now: () => now }, maxTimerSeconds: 86_400 }
    return createTimer({ at, url }, origin, deps, key)
  }
  const DAY_LATER = NOW + 86_400_000

  test('was refused as past, with the timer created: it is answered as the first time', async () => {
    const first = await send('abc', NOW)
    const again = await send('"abc"', DAY_LATER)
    expect(first).toMatchObject({ replayed: false, dueAt: Date.parse(at) })
    expect(again).toEqual({ ...first, replayed: true })
  })

  test('is refused where it was never created, and creates nothing', async () => {
    await expect(send('abc', DAY_LATER)).rejects.toMatchObject({ code: 'INVALID_TIME', field: 'at' })
    expect((await rig.client.keys('*')).filter((key) => /:(t\d+|i:.*)$/.test(key))).toEqual([])
  })

  test('is refused as another request where it is one', async () => {
    await send('abc', NOW)
    await expect(send('abc', DAY_LATER, 'https://a.b/d')).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    })
  })
})
