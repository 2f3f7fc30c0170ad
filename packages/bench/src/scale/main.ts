import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readFigures, writePage } from './page.ts'
import { ASSUMPTIONS, type Assumptions } from './plan.ts'
import { KEPT_SECONDS, tablesOf } from './tables.ts'

const DOCS = join(fileURLToPath(new URL('../../../..', import.meta.url)), 'docs')
const HOUR_SECONDS = 3_600

/** Options, and what of the plan each of them sets. */
const NUMBERS = {
  load: 'load',
  replicas: 'replicas',
  'node-gib': 'nodeGiB',
  'shard-timers': 'shardTimers',
  'receiver-ms': 'receiverMs',
  'core-hour': 'coreHour',
  'memory-gib-month': 'memoryGiBMonth',
  'disk-gib-month': 'diskGiBMonth',
} as const satisfies Readonly<Record<string, keyof Assumptions>>

const USAGE = `npm run scale -- [options]
Prints the tables of docs/scale.md from docs/scale-figures.json, which npm run bench -- --scale measures.
  --write                 write them into docs/scale.md, as they are without other options
  --kept-hours <n>        how long fired timers are kept (default ${KEPT_SECONDS / HOUR_SECONDS})
${Object.entries(NUMBERS)
  .map(([name, field]) => [`  --${name} <n>`.padEnd(26), `(default ${ASSUMPTIONS[field]})`].join(''))
  .join('\n')}`

try {
  main(process.argv.slice(2))
} catch (error) {
  console.error(`${(error as Error).message}\n\n${USAGE}`)
  process.exitCode = 1
}

function main(args: string[]): void {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean', short: 'h' },
      write: { type: 'boolean' },
      'kept-hours': text,
      ...(Object.fromEntries(Object.keys(NUMBERS).map((name) => [name, text])) as Record<
        keyof typeof NUMBERS,
        typeof text
      >),
    },
  })
  if (values.help === true) {
    console.log(USAGE)
    return
  }
  if (values.write === true) {
    if (Object.keys(values).length > 1) throw new Error('--write goes with no other option')
    writePage(DOCS)
    return
  }
  const chosen = Object.entries(NUMBERS).flatMap(([name, field]) => {
    const value = values[name as keyof typeof NUMBERS]
    return value === undefined ? [] : [[field, numberOf(name, value)] as const]
  })
  const kept = values['kept-hours']
  const keptSeconds = kept === undefined ? KEPT_SECONDS : numberOf('kept-hours', kept) * HOUR_SECONDS
  const assumptions = { ...ASSUMPTIONS, ...Object.fromEntries(chosen) }
  console.log(Object.values(tablesOf(readFigures(DOCS), assumptions, keptSeconds)).join('\n\n'))
}

function numberOf(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0) && !(name === 'replicas' && value === 0))
    throw new Error(`--${name} must be a number above 0`)
  if (name === 'load' && value > 0.9)
    throw new Error('--load must be at most 0.9: the rest is for what nobody has planned')
  return value
}
