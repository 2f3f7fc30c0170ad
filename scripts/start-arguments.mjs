import { parseArgs } from 'node:util'
import { SetupError } from './setup.mjs'

const HELP = `npm start [-- --cluster]

Sets everything up and runs one API, one worker and the dashboard, with a Redis of their own. Ctrl-C stops everything.

  --cluster   with a Redis Cluster of three primaries and three replicas instead, to try it out; its data
              is in a folder of its own
  --help      prints this

Ports, folders and passwords are set by environment variables: see "Run it" in README.md.`

/**
 * What `npm start` is told on its command line. Throws a SetupError for words that it does not know, and for a cluster of its
 * own where REDIS_URL names another Redis.
 *
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
export function readArguments(args, env) {
  const { cluster, help } = parse(args)
  if (help) return { cluster: false, help: HELP }
  if (cluster && env.REDIS_URL) {
    throw new SetupError('REDIS_URL is set, so there is no Redis to start: unset it, or leave out --cluster.')
  }
  return { cluster, help: undefined }
}

/** @param {readonly string[]} args */
function parse(args) {
  const options = /** @type {const} */ ({
    cluster: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  })
  try {
    const { values } = parseArgs({ args: [...args], options })
    return { cluster: values.cluster ?? false, help: values.help ?? false }
  } catch (error) {
    throw new SetupError(`${error instanceof Error ? error.message : error}\n\n${HELP}`)
  }
}
