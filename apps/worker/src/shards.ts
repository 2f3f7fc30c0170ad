import { parseArgs } from 'node:util'
import { Type } from '@sinclair/typebox'
import { MOST_SHARDS } from '@timers/core'
import { addShards, GrowthRefused, type RedisOptions, type ShardsView, viewShards } from '@timers/queue'
import {
  bootstrap,
  commonSettings,
  createLogger,
  parseSettings,
  redisOf,
  SettingsError,
} from '@timers/runtime'
import { shardTable } from './shard-table.ts'

/**
 * Shows how timers are spread over shards, and with `--grow 8` makes it so many while everything runs: docs/operations.md,
 * "More shards". Ends with 0 when there are so many.
 */
const shardsSettings = Type.Object(commonSettings)

const USAGE = 'npm run shards shows the shards; npm run shards -- --grow 8 makes it eight of them'
const HELP = `${USAGE}.

REDIS_URL and the other settings of Redis are taken from the environment. All goes on meanwhile, and it may be repeated.
Shards are never taken away again.
`
const OPTIONS = { grow: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const

await bootstrap(async () => {
  // Whoever reads may have had enough (`| head`): that is no reason to stop half way.
  process.stdout.on('error', () => {})
  const { to, help } = wanted(process.argv.slice(2))
  if (help) {
    process.stdout.write(HELP)
    return
  }
  const settings = parseSettings(shardsSettings, process.env)
  // What the settings say counts for an empty Redis only: there is none to advise here.
  const log = createLogger({ service: 'shards', level: 'error' })
  const options: RedisOptions = { ...redisOf(settings), log }
  try {
    const view = to === undefined ? await viewShards(options) : await addShards(options, to, say)
    for (const line of describe(view)) say(line)
  } catch (error) {
    if (!(error instanceof GrowthRefused)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
})

/** @throws SettingsError where the arguments are no good */
function wanted(args: string[]): { to?: number; help?: boolean } {
  try {
    const { grow, help } = parseArgs({ args, options: OPTIONS }).values
    if (help) return { help }
    if (grow === undefined) return {}
    const to = Number(grow)
    // What is done cannot be undone: 1e3 is more likely a slip than a wish.
    if (/^\d+$/.test(grow) && to >= 1 && to <= MOST_SHARDS) return { to }
  } catch {
    // Told below, with what to write.
  }
  throw new SettingsError([`--grow must be a whole number from 1 to ${MOST_SHARDS}: ${USAGE}`])
}

function describe({ layouts, settled, shards }: ShardsView): string[] {
  return [
    ...layouts.map(({ from, shards: count }, number) => {
      const to = layouts[number + 1]?.from
      const range = to === undefined ? `above ${from}` : `from ${from + 1} to ${to}`
      return `ids ${range}: ${count} ${count === 1 ? 'shard' : 'shards'}`
    }),
    ...(settled < layouts.length - 1
      ? ['shards are being added: run the same command again if nobody else does']
      : []),
    '',
    ...shardTable(shards),
  ]
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
