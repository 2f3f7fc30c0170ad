import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeDocs } from './docs-page.ts'
import { verdictOf } from './figure.ts'
import { describeMachine, machineText } from './machine.ts'
import { type Measure, type MeasureResult, scaleOf } from './measure.ts'
import { backlog } from './measures/backlog.ts'
import { batch } from './measures/batch.ts'
import { beside } from './measures/beside.ts'
import { bulk } from './measures/bulk.ts'
import { bursts } from './measures/bursts.ts'
import { bytes } from './measures/bytes.ts'
import { changes } from './measures/changes.ts'
import { cluster } from './measures/cluster.ts'
import { creates } from './measures/creates.ts'
import { fires } from './measures/fires.ts'
import { idle } from './measures/idle.ts'
import { lateness } from './measures/lateness.ts'
import { list } from './measures/list.ts'
import { memory } from './measures/memory.ts'
import { moves } from './measures/moves.ts'
import { pending } from './measures/pending.ts'
import { reads } from './measures/reads.ts'
import { silent } from './measures/silent.ts'
import { underFire } from './measures/under-fire.ts'
import { parseOptions, USAGE, UsageError } from './options.ts'
import { writeFigures, writePage } from './scale/page.ts'
import type { ScalePart } from './scale/scale-figures.ts'
import { rowsOf, textTable } from './table.ts'

const MEASURES: readonly Measure[] = [
  creates,
  batch,
  bulk,
  reads,
  changes,
  fires,
  bursts,
  lateness,
  silent,
  backlog,
  underFire,
  pending,
  bytes,
  list,
  memory,
]
/** Those that are made only when they are asked for. */
const APART: readonly Measure[] = [cluster, idle, moves]
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : error)
  process.exitCode = 1
}

async function main(args: readonly string[]): Promise<void> {
  const names = [...MEASURES, ...APART].map(({ name }) => name)
  const options = parseOptions(args, [...names, 'beside'])
  const all = [...MEASURES, ...APART, beside(options.beside)]
  const chosen = options.only.length === 0 ? MEASURES : all.filter(({ name }) => options.only.includes(name))
  const folder = mkdtempSync(join(tmpdir(), 'timers-bench-'))
  process.once('exit', () =>
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 }),
  )
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

  const machine = describeMachine(folder)
  console.log(machineText(machine))
  if (options.quick) console.log('A smoke run: its figures mean nothing.')
  const startedAt = new Date()
  const since = () => `${((Date.now() - startedAt.getTime()) / 1_000).toFixed(0)} s`.padStart(7)
  const results: (MeasureResult & { readonly measure: string })[] = []
  for (const { name, run } of chosen) {
    console.log(`${since()}  ${name} ...`)
    const result = await run({
      scale: scaleOf(options),
      repeats: options.repeats,
      newFolder: (folderName) => join(folder, folderName),
      log: (line) => console.log(`${since()}  ${line}`),
    })
    results.push({ measure: name, ...result })
  }

  const figures = results.flatMap((result) => result.figures)
  console.log(`\n${textTable(rowsOf(figures))}\n`)
  const missed = figures.filter((each) => verdictOf(each) === 'miss').length
  const reached = figures.filter((each) => verdictOf(each) === 'pass').length
  console.log(`${reached} goals reached, ${missed} missed, in ${since().trim()}`)

  const json = resolve(process.env.INIT_CWD ?? process.cwd(), options.json)
  mkdirSync(dirname(json), { recursive: true })
  const { repeats, quick, timers } = options
  const run = { machine, startedAt: startedAt.toISOString(), quick, repeats, timers }
  const told = results.map(({ measure, figures: own, details }) => ({
    measure,
    figures: own.map((each) => ({ ...each, verdict: verdictOf(each) })),
    details,
  }))
  writeFileSync(json, `${JSON.stringify({ ...run, measures: told }, undefined, 2)}\n`)
  if (options.docs) {
    const date = startedAt.toISOString().slice(0, 10)
    const plots = results.flatMap((result) => result.plots ?? [])
    writeDocs(join(ROOT, 'docs'), { machine, date, repeats, figures, plots })
  }
  if (options.scale) {
    const parts: ScalePart = Object.assign({}, ...results.map((result) => result.scale))
    const date = startedAt.toISOString().slice(0, 10)
    writeFigures(join(ROOT, 'docs'), { machine, date, repeats, ...(parts as Required<ScalePart>) })
    writePage(join(ROOT, 'docs'))
  }
}
