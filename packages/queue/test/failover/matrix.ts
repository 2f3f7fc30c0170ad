import { playFailover } from './play.ts'
import { expectCovered } from './plays.ts'
import { FAULTS, nameOf, type Outcome, type Scenario } from './scenario.ts'

const BOTH = ['sentinel', 'cluster'] as const
/** Acks cover all replicas. */
const COVERED = [
  { replicas: 1, acks: 1 },
  { replicas: 2, acks: 2 },
] as const

const covered = BOTH.flatMap((by) =>
  COVERED.flatMap((some): Scenario[] => FAULTS.map((fault) => ({ by, fault, ...some }))),
)
/** What may happen otherwise, for docs/failover.md: it is only counted. */
const uncovered: readonly Scenario[] = BOTH.flatMap((by): Scenario[] => [
  ...FAULTS.map((fault) => ({ by, fault, replicas: 1, acks: 0, lagMs: 20 }) as const),
  { by, fault: 'cut off', replicas: 1, acks: 0, lagMs: 20, settled: false },
  { by, fault: 'planned', replicas: 2, acks: 1, lagMs: 20 },
  { by, fault: 'killed', replicas: 2, acks: 1, lagMs: 20 },
  { by, fault: 'frozen', replicas: 2, acks: 1, lagMs: 20 },
  { by, fault: 'cut off', replicas: 2, acks: 1, lagMs: 20 },
])

const COLUMNS = [
  'acknowledged',
  'refused',
  'lost',
  'doubled',
  'early',
  'unknown',
  'promotedMs',
  'namedMs',
  'coveredMs',
  'readsBackMs',
  'createsBackMs',
  'firesBackMs',
] as const satisfies readonly (keyof Outcome)[]
const say = (...cells: readonly (string | number)[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`)

beforeAll(() => {
  say('scenario', ...COLUMNS)
  say('---', ...COLUMNS.map(() => '---'))
})

async function play(scenario: Scenario): Promise<Outcome> {
  const outcome = await playFailover(scenario)
  say(nameOf(scenario), ...COLUMNS.map((column) => outcome[column]))
  return outcome
}

const named = (scenarios: readonly Scenario[]) =>
  scenarios.map((scenario) => [nameOf(scenario), scenario] as const)

test.each(named(covered))('%s', async (_name, scenario) => {
  expectCovered(await play(scenario))
})

test.each(named(uncovered))('%s', async (_name, scenario) => {
  expect(await play(scenario)).toMatchObject({ early: 0 })
})
