import { machineText } from '../machine.ts'
import { markdownTable, numberText } from '../table.ts'
import { type Check, checksOf, deviationOf, KEPT, WITHIN } from './check.ts'
import { limitsOf } from './limits.ts'
import { ASSUMPTIONS, type Assumptions, type Demand, type Plan, planFor } from './plan.ts'
import type { ScaleFigures, TopologyCost } from './scale-figures.ts'
import { type UnitCosts, unitCostsOf } from './unit-costs.ts'

const RATES = [1_000, 10_000, 100_000] as const
const PENDING = 100_000_000
const HOUR = 3_600
const RETENTIONS = [
  { what: '10 minutes', seconds: 600 },
  { what: '1 hour', seconds: HOUR },
  { what: '1 day', seconds: 24 * HOUR },
  { what: '30 days, the default', seconds: 720 * HOUR },
] as const
/** The table of the plan keeps fired timers for so long. */
export const KEPT_SECONDS = HOUR

/** The tables of docs/scale.md, by the names of their places in it. */
export interface Tables {
  readonly measured: string
  readonly plan: string
  readonly kept: string
  readonly limits: string
  readonly check: string
}

export function tablesOf(
  figures: ScaleFigures,
  assumptions: Assumptions = ASSUMPTIONS,
  keptSeconds = KEPT_SECONDS,
): Tables {
  const costs = unitCostsOf(figures)
  return {
    measured: measuredTable(figures),
    plan: planTable(costs, assumptions, keptSeconds),
    kept: keptTable(costs, assumptions),
    limits: limitsTable(costs, assumptions),
    check: checkTable(figures),
  }
}

function measuredTable(figures: ScaleFigures): string {
  const { clusters, acks, idle, bulk, machine, date, repeats } = figures
  const topologies = [figures.single, ...clusters]
  const acked = [acks[0], acks[1]]
  const row = (
    what: string,
    of: (cost: Pick<TopologyCost, 'create' | 'fire'>) => number,
    more?: (cost: TopologyCost) => number,
  ) => [
    what,
    ...topologies.map((cost) => numberText((more ?? of)(cost))),
    ...acked.map((cost) => (cost && !more ? numberText(of(cost)) : '-')),
  ]
  const rows = [
    ['', 'single Redis', '1 primary', '2 primaries', '3 primaries', '1 + a replica, acks 0', 'acks 1'],
    row('create, Redis, us', ({ create }) => create.redisUs),
    row('create, API, us', ({ create }) => create.apiUs),
    row('create, the replica, us', ({ create }) => create.replicaUs),
    row('fire, Redis, us', ({ fire }) => fire.redisUs),
    row('fire, worker, us', ({ fire }) => fire.workerUs),
    row('fire, the replica, us', ({ fire }) => fire.replicaUs),
    row('creates a second here', ({ create }) => create.perSecond),
    row('fires a second here', ({ fire }) => fire.perSecond),
    row('both, disk of the primary, bytes', ({ create, fire }) => create.diskBytes + fire.diskBytes),
    row('both, Redis to services and back, bytes', ({ create, fire }) => create.wireBytes + fire.wireBytes),
    row('both, HTTP, bytes', ({ create, fire }) => create.httpBytes + fire.httpBytes),
    row('both, to the replica, bytes', ({ create, fire }) => create.replicationBytes + fire.replicationBytes),
    row('both, logs, bytes', ({ create, fire }) => create.logBytes + fire.logBytes),
    row(
      'a fired timer in memory, bytes',
      () => 0,
      ({ firedBytes }) => firedBytes,
    ),
    row(
      'steady fire, Redis, us',
      () => 0,
      ({ steadyFire }) => steadyFire.redisUs,
    ),
    row(
      'steady fires, lateness p99, ms',
      () => 0,
      ({ steadyP99Ms }) => steadyP99Ms,
    ),
  ]
  const idleRows = [
    [
      'an idle worker, in a second',
      ...idle.map(({ shards }) => (shards === 1 ? '1 shard' : `${shards} shards`)),
    ],
    ['the worker, ms of a core', ...idle.map(({ workerUs }) => numberText(workerUs / 1_000))],
    ['Redis for it, ms of a core', ...idle.map(({ redisUs }) => numberText(redisUs / 1_000))],
    ['commands', ...idle.map(({ commands }) => numberText(commands))],
  ]
  const bulkRows = [
    [`${bulk.timers.toLocaleString('en-US')} pending timers of one slot`, ''],
    ['in memory, each', `${numberText(bulk.bytesEach)} bytes`],
    ['the slot moves to another primary in', `${numberText(bulk.moveMs / 1_000)} s`],
    [
      'longest create to it meanwhile',
      `${numberText(bulk.longestCreateMs)} ms, ${bulk.refusedCreates} refused`,
    ],
    ['a new replica is in step after', `${numberText(bulk.resyncMs / 1_000)} s`],
    ['the file is rewritten with', `${numberText(bulk.rewriteUs / 1_000)} ms of another core`],
    ['the fork for it stops Redis for', `${numberText(bulk.forkUs / 1_000)} ms`],
  ]
  return [
    `Measured on ${date}: ${machineText(machine)}. Medians of ${repeats} repeats.`,
    ...[rows, idleRows, bulkRows].map((each) => markdownTable(each)),
  ].join('\n\n')
}

function planTable(costs: UnitCosts, assumptions: Assumptions, keptSeconds: number): string {
  const plans = RATES.map((perSecond) =>
    planFor({ perSecond, pending: PENDING, keptSeconds }, costs, assumptions),
  )
  const row = (what: string, text: (plan: Plan) => string) => [what, ...plans.map(text)]
  const number = (what: string, of: (plan: Plan) => number) => row(what, (plan) => numberText(of(plan)))
  return markdownTable([
    ['timers a second, 100 million pending', ...RATES.map((rate) => rate.toLocaleString('en-US'))],
    row('primaries (what asks for so many)', ({ primaries, because }) => `${primaries} (${because})`),
    number('Redis nodes, with replicas', ({ redisNodes }) => redisNodes),
    number('shards', ({ shards }) => shards),
    number('API processes', ({ apis }) => apis),
    number('worker processes', ({ workers }) => workers),
    number('webhooks in flight in a worker', ({ hands }) => hands),
    number('connections of a primary', ({ connectionsPerPrimary }) => connectionsPerPrimary),
    number('data in memory, all, GiB', ({ dataGiB }) => dataGiB),
    number('data in memory, a primary, GiB', ({ nodeDataGiB }) => nodeDataGiB),
    number('a primary: to and from services, MB/s', ({ wireMB }) => wireMB),
    number('a primary: to its replicas, MB/s', ({ replicationMB }) => replicationMB),
    number('a primary: to its disk, MB/s', ({ diskMB }) => diskMB),
    number('all services: HTTP, MB/s', ({ httpMB }) => httpMB),
    number('all services: logs, MB/s', ({ logMB }) => logMB),
    row("a primary's core, for those who only look", ({ lookingShare }) => percent(lookingShare)),
    row("a worker's core, for shards in which nothing is due", ({ idleShare }) => percent(idleShare)),
    number('a lost replica is in step again after, s', ({ resyncSeconds }) => resyncSeconds),
    number('a slot that moves stands still for, s', ({ slotStallSeconds }) => slotStallSeconds),
    number('the fork of a rewrite stops a primary for, ms', ({ forkMs }) => forkMs),
    number('cores', ({ cores }) => cores),
    number('memory, GiB', ({ memoryGiB }) => memoryGiB),
    number('disk, GiB', ({ diskGiB }) => diskGiB),
    number('a month: cores', ({ money }) => money.cores),
    number('a month: memory', ({ money }) => money.memory),
    number('a month: disk', ({ money }) => money.disk),
    number('a million timers', ({ moneyPerMillion }) => moneyPerMillion),
  ])
}

/** What keeping costs: memory of the primaries, and how many of them only for that. */
function keptTable(costs: UnitCosts, assumptions: Assumptions): string {
  const cell = (demand: Demand) => {
    const { dataGiB, primaries, because } = planFor(demand, costs, assumptions)
    return `${numberText(dataGiB)} GiB, ${primaries.toLocaleString('en-US')} primaries${because === 'memory' ? ' (memory)' : ''}`
  }
  return markdownTable([
    ['fired timers are kept for', ...RATES.map((rate) => `${rate.toLocaleString('en-US')}/s`)],
    ...RETENTIONS.map(({ what, seconds }) => [
      what,
      ...RATES.map((perSecond) => cell({ perSecond, pending: PENDING, keptSeconds: seconds })),
    ]),
  ])
}

function limitsTable(costs: UnitCosts, assumptions: Assumptions): string {
  return markdownTable([
    ['the limit', 'timers a second, created and fired'],
    ...limitsOf(costs, KEPT_SECONDS, assumptions).map(({ what, perSecond }) => [what, numberText(perSecond)]),
  ])
}

function checkTable(figures: ScaleFigures): string {
  const { costs, kept, rates } = checksOf(figures)
  const row = (check: Check, goal: string, verdict: string) => [
    check.what,
    `${numberText(check.predicted)} ${check.unit}`,
    `${numberText(check.measured)} ${check.unit}`,
    percent(deviationOf(check)),
    goal,
    verdict,
  ]
  return markdownTable([
    ['', 'the model, or acks 0', 'measured', 'difference', 'goal', ''],
    ...costs.map((check) =>
      row(check, `at most ${percent(WITHIN)} more`, deviationOf(check) <= WITHIN ? 'pass' : 'miss'),
    ),
    ...kept.map((check) =>
      row(check, `at least ${percent(KEPT)} of it`, deviationOf(check) >= KEPT - 1 ? 'pass' : 'miss'),
    ),
    ...rates.map((check) => row(check, 'reported', '')),
  ])
}

function percent(share: number): string {
  return `${numberText(share * 100)} %`
}
