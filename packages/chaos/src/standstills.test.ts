import { eventually } from '@timers/lab'
import { Standstills } from './standstills.ts'

/** As long as another process takes the machine for itself. */
function standStill(ms: number): void {
  const until = Date.now() + ms
  while (Date.now() < until);
}

test('a machine that had no time is noticed, and for how long', async () => {
  const standstills = new Standstills()
  try {
    const from = Date.now()
    standStill(700)
    await eventually(() => expect(standstills.spans.length).toBeGreaterThan(0))
    const [span] = standstills.spans
    expect((span?.to ?? 0) - (span?.from ?? 0)).toBeGreaterThanOrEqual(600)
    expect(span?.from).toBeGreaterThanOrEqual(from - 100)
  } finally {
    standstills.stop()
  }
})
