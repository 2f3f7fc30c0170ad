import { startReceiver } from '@timers/testkit'
import { openWorkerBed } from './worker-bed.ts'

/**
 * One slow receiver harms no one else: issue and ADR say why. What is compared is the lateness of the same hundred
 * timers to a healthy receiver, alone and beside a thousand to one that hangs.
 */
test('a thousand timers to a receiver that hangs do not make a hundred to a healthy one late', async () => {
  const healthy = await startReceiver()
  const hanging = await startReceiver({ respond: () => 'hang' })
  const bed = await openWorkerBed()

  /** 100 timers to the healthy receiver over a second, each followed by `beside` to the hanging one. */
  async function round(beside: number): Promise<number> {
    const ids: number[] = []
    const start = Date.now() + 1_500
    for (let index = 0; index < 100; index += 1) {
      const dueAt = start + index * 10
      const others = Array.from({ length: beside }, () =>
        bed.schedule({ url: hanging.hookUrl, delayMs: dueAt - Date.now() }),
      )
      ids.push(await bed.schedule({ url: healthy.hookUrl, delayMs: dueAt - Date.now() }))
      await Promise.all(others)
    }
    await healthy.waitFor(
      (requests) => ids.every((id) => requests.some((request) => request.id === id)),
      20_000,
    )
    const late = await Promise.all(
      ids.map(async (id) => (await bed.settled(id, ({ status }) => status === 'fired')).latenessMs ?? 0),
    )
    return late.sort((a, b) => a - b)[98] ?? 0
  }

  try {
    await bed.startWorker({ WEBHOOK_TIMEOUT_MS: '5000' })
    await round(0)
    const alone = await round(0)
    const beside = await round(10)
    // p99 in milliseconds; a floor of one scheduling tick keeps the ratio of two tiny numbers from deciding.
    expect(beside).toBeLessThanOrEqual(2 * Math.max(alone, 20))
    // The cap: no more than 20 requests at a time went to the receiver that hangs.
    expect(hanging.requests.length).toBeLessThanOrEqual(40)
    expect(hanging.requests.length).toBeGreaterThanOrEqual(20)
  } finally {
    await Promise.all([healthy.close(), hanging.close()])
    await bed.close()
  }
}, 60_000)
