import { createWriteStream } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import { judge } from '@timers/lab'
import { type Options, parseOptions, USAGE, UsageError } from './options.ts'
import { makePlan, type Plan } from './plan.ts'
import { Progress } from './progress.ts'
import { makeReport } from './report.ts'
import { reportHtml } from './report-html.ts'
import { reportText } from './report-text.ts'
import { play, type RunResult } from './run.ts'
import type { Stage } from './stage.ts'

/** From this length on retries that wait a minute are waited for, too. */
const LONG_RUN_MINUTES = 2
const LONG_SETTLE_MS = 75_000
const SHORT_SETTLE_MS = 3_000

// In so many words: after thousands of connections cut in every way Node 20 may never come out of its own tidying up.
process.exit(await run())

async function run(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2))
    if (options !== undefined) return await main(options)
    console.log(USAGE)
    return 0
  } catch (error) {
    console.error(error instanceof UsageError ? error.message : error)
    return 2
  }
}

async function main(options: Options): Promise<number> {
  const { seed, minutes } = options
  const plan = makePlan(options)
  const out = resolve(options.out)
  const logs = join(out, 'logs')
  await mkdir(logs, { recursive: true })
  await writeFile(join(out, 'plan.json'), JSON.stringify(plan))
  console.log(
    `Seed ${seed}: ${plan.creates.length} timers and ${plan.faults.length} faults in ${minutes} minutes`,
  )
  const settleMs = minutes >= LONG_RUN_MINUTES ? LONG_SETTLE_MS : SHORT_SETTLE_MS
  const progress = new Progress(plan.loadMs + settleMs + 20_000, (line) => console.log(line))
  const result = await play({ plan, options, settleMs, progress, saveLogs: (stage) => saveLogs(stage, logs) })
  const passed = await writeReport(plan, options, result, out)
  if (passed && !options.keepLogs) await rm(logs, { recursive: true })
  return passed ? 0 : 1
}

async function writeReport(plan: Plan, options: Options, result: RunResult, out: string): Promise<boolean> {
  const report = makeReport(plan, options, result, judge(result.evidence))
  const { views, ...evidence } = result.evidence
  await writeFile(join(out, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`)
  await writeFile(
    join(out, 'evidence.json'),
    JSON.stringify({ ...evidence, ...result.broken, views: [...views.values()] }),
  )
  await writeFile(join(out, 'report.html'), reportHtml(report, result))
  console.log(`\n${reportText(report)}`)
  console.log(
    `${join(options.out, 'report.html')} shows it over time; report.json, evidence.json and plan.json are beside it.`,
  )
  return report.passed
}

async function saveLogs(stage: Stage, folder: string): Promise<void> {
  await stage.redis.saveLogs(folder)
  for (const { name, logs } of stage.services) {
    const file = createWriteStream(join(folder, `${name}.jsonl`))
    for (const line of logs) file.write(`${JSON.stringify(line)}\n`)
    file.end()
    await finished(file)
  }
}
