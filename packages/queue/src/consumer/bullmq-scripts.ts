import { createRequire } from 'node:module'
import type { Redis } from 'ioredis'
import { loadScript } from '../timers/scripts.ts'

/** The version of BullMQ whose scripts are known here. It is pinned in package.json. */
export const KNOWN_BULLMQ = '6.7.0'

/** The scripts that promote due jobs, each in one place. */
const PROMOTING: readonly string[] = ['moveToActive', 'moveToFinished', 'moveToDelayed', 'retryJob']
const PROMOTION = 'local function promoteDelayedJobs('
/** Which jobs are promoted: the thousand that have been due longest. */
const CHOICE = 'rcall("ZRANGEBYSCORE", delayedKey, 0, (timestamp + 1) * 0x1000 - 1, "LIMIT", 0, 1000)'
/** Ours: a few, and not always those that have been due longest. */
const OWN_CHOICE = 'jobsToPromote(delayedKey, targetKey, timestamp)'
/** How a fetch reads its options, and how it does as a part of our commands. */
const PACKED_OPTIONS = 'cmsgpack.unpack(ARGV[3])'
const JSON_OPTIONS = 'cjson.decode(ARGV[3])'
const OWN_PROMOTION = loadScript('includes/promotion') + PROMOTION

/** A script of BullMQ as its package exports it. */
export interface BullMqScript {
  readonly name: string
  readonly content: string
  /** How many KEYS it takes. */
  readonly keys: number
}

// BullMQ exports neither; its CommonJS build is the one that Node.js loads.
const require = createRequire(import.meta.url)
/** The scripts of the BullMQ that is installed. */
export const installedScripts: readonly BullMqScript[] = Object.values(
  require('bullmq/dist/cjs/scripts') as Record<string, BullMqScript>,
)
/** The version of the BullMQ that is installed. */
export const installedVersion = (require('bullmq/package.json') as { version: string }).version

/**
 * Redis knows flags of scripts from major version 7 on; before, the first line would not compile. Valkey says 7.2.4.
 */
function knowsScriptFlags(redisVersion: string): boolean {
  return Number.parseInt(redisVersion, 10) >= 7
}

/**
 * The text of a script as a worker's connection defines it (docs/adr/0007-changed-scripts.md): it may write when memory is
 * used up, where Redis knows the flag, and chooses itself which due jobs it promotes (docs/adr/0010-after-a-downtime.md).
 *
 * @param command name of the command: `moveToActive:6.7.0` where BullMQ defines it, a plain name where we do
 * @throws where a script of BullMQ's does not hold the text to be changed as often as it is known to
 */
export function tuneScript(command: string, lua: string, redisVersion: string): string {
  const flags = knowsScriptFlags(redisVersion) ? '#!lua flags=allow-oom\n' : ''
  const [name = '', found] = command.split(':')
  if (found !== undefined) assertKnown(name, lua, found)
  return flags + lua.replace(PROMOTION, () => OWN_PROMOTION).replace(CHOICE, () => OWN_CHOICE)
}

/**
 * BullMQ's script that fetches a job, for commands of ours that fetch the next one in the same step. Its options are JSON
 * here: as MessagePack, which is binary, they would have ioredis put every one of these large commands together as a
 * Buffer, piece by piece, in more than twice the time (docs/benchmarks.md).
 *
 * @throws where its text does not read its options as it is known to
 */
export function fetchScript(
  scripts: readonly BullMqScript[] = installedScripts,
  version: string = installedVersion,
): BullMqScript {
  const name = 'moveToActive'
  const found = scripts.find((script) => script.name === name)
  if (found === undefined) throw unknownText(name, version, 'is missing')
  const parts = found.content.split(PACKED_OPTIONS)
  if (parts.length !== 2)
    throw unknownText(name, version, `holds \`${PACKED_OPTIONS}\` ${parts.length - 1} times, not 1`)
  return { ...found, content: parts.join(JSON_OPTIONS) }
}

/** Changes each script as it is defined on a worker's connection, our own and BullMQ's. */
export function tuneScripts(client: Redis, redisVersion: string): void {
  const define = client.defineCommand.bind(client)
  client.defineCommand = (name, definition) =>
    define(name, { ...definition, lua: tuneScript(name, definition.lua, redisVersion) })
}

/**
 * To be called once at start: a change of BullMQ that our changes do not fit must end the process with a message, and
 * not come up as an error of a Worker that never takes a timer.
 *
 * @throws as `tuneScript` and `fetchScript`, and where a script that promotes is missing
 */
export function assertScriptsKnown(
  scripts: readonly BullMqScript[] = installedScripts,
  found: string = installedVersion,
): void {
  for (const { name, content } of scripts) assertKnown(name, content, found)
  const missing = PROMOTING.filter((name) => !scripts.some((script) => script.name === name))
  if (missing.length > 0) throw unknownText(missing.join(', '), found, 'is missing')
  fetchScript(scripts, found)
}

function assertKnown(name: string, lua: string, found: string): void {
  const expected = PROMOTING.includes(name) ? 1 : 0
  for (const text of [PROMOTION, CHOICE]) {
    const times = lua.split(text).length - 1
    if (times !== expected)
      throw unknownText(name, found, `holds \`${text}\` ${times} times, not ${expected}`)
  }
}

function unknownText(name: string, found: string, what: string): Error {
  return new Error(
    `BullMQ's script ${name} ${what}. Installed is bullmq ${found}; its scripts are known for ${KNOWN_BULLMQ}. ` +
      `Install bullmq ${KNOWN_BULLMQ}, or fit packages/queue/src/consumer/bullmq-scripts.ts to the new text ` +
      '(docs/adr/0007-changed-scripts.md).',
  )
}
