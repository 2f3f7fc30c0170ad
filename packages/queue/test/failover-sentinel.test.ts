import { playFailover } from './failover/play.ts'
import { BACK_WITHIN_MS, FLAWLESS, nameOf, type Scenario } from './failover/scenario.ts'

/**
 * Some of those that `npm run failover` plays: each waits for some ten seconds until Sentinels make a replica of the old primary. These
 * two lose most without acks, and without their guard.
 */
const SCENARIOS: readonly Scenario[] = [
  { by: 'sentinel', fault: 'planned', replicas: 1, acks: 1 },
  { by: 'sentinel', fault: 'cut off', replicas: 2, acks: 2 },
]

test.each(SCENARIOS.map((scenario) => [nameOf(scenario), scenario] as const))(
  '%s',
  async (_name, scenario) => {
    const outcome = await playFailover(scenario)
    expect(outcome).toMatchObject(FLAWLESS)
    expect(outcome.readsBackMs).toBeLessThan(BACK_WITHIN_MS)
    expect(outcome.createsBackMs).toBeLessThan(BACK_WITHIN_MS)
    expect(outcome.firesBackMs).toBeLessThan(BACK_WITHIN_MS)
  },
)
