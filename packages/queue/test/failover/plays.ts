import { playFailover } from './play.ts'
import { BACK_WITHIN_MS, FLAWLESS, nameOf, type Outcome, type Scenario } from './scenario.ts'

/** A test of each: some of those that `npm run failover` plays. */
export function plays(scenarios: readonly Scenario[]): void {
  test.each(scenarios.map((scenario) => [nameOf(scenario), scenario] as const))(
    '%s',
    async (_name, scenario) => {
      expectCovered(await playFailover(scenario))
    },
  )
}

/** What must come of a failover where acks cover all replicas. */
export function expectCovered(outcome: Outcome): void {
  expect(outcome).toMatchObject(FLAWLESS)
  expect(outcome.readsBackMs).toBeLessThan(BACK_WITHIN_MS)
  expect(outcome.createsBackMs).toBeLessThan(BACK_WITHIN_MS)
  expect(outcome.firesBackMs).toBeLessThan(BACK_WITHIN_MS)
}
