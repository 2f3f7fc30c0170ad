import { eventually, startReceiver } from '@timers/lab'
import { openWorkerBed } from './worker-bed.ts'

const BACKLOG = 150
/** They waited for 9 to 10 s, the longer the slower it had been. What is promised is asked beside the gate, with a fake clock. */
const SOON_MS = 5_000

test.each([
  ['slow', () => ({ delayMs: 3_000 })],
  ['silent', () => 'hang' as const],
])(
  'a small backlog waited for turns at the slow pace although its receiver, which was %s, answers quickly again',
  async (_, hiccup) => {
    const receiver = await startReceiver()
    const bed = await openWorkerBed()
    try {
      await bed.startWorker({ WEBHOOK_TIMEOUT_MS: '3000' })
      const known = await bed.schedule({ url: receiver.hookUrl })
      await bed.settled(known, ({ status }) => status === 'fired')
      receiver.respond = hiccup
      const ids = await Promise.all(
        Array.from({ length: BACKLOG }, () => bed.schedule({ url: receiver.hookUrl })),
      )
      const arrived = () => receiver.requests.filter(({ id }) => ids.includes(id))
      await eventually(() => expect(arrived().length).toBeGreaterThan(20), { timeoutMs: 15_000 })
      const before = new Set(arrived())
      receiver.respond = () => ({})
      await eventually(() => expect(arrived()).toHaveLength(BACKLOG), { timeoutMs: 90_000 })
      const after = arrived()
        .filter((request) => !before.has(request))
        .map(({ receivedAt }) => receivedAt)
      expect(Math.max(...after) - Math.min(...after)).toBeLessThan(SOON_MS)
      expect(new Set(arrived().map(({ id }) => id)).size).toBe(BACKLOG)
    } finally {
      await receiver.close()
      await bed.close()
    }
  },
  120_000,
)
