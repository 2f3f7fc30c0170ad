import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Environment, entryOf } from '@timers/lab'

/** The command behind `npm run shards`, as built. */
const ENTRY = join(dirname(entryOf('worker')), 'shards.js')
/** Nodes may be away for as long as they take to come to full strength again. */
const DONE_WITHIN_MS = 120_000
const ENDS_WITHIN_MS = 60_000
const AGAIN_AFTER_MS = 500

/**
 * Adds shards while everything runs: the command is given again until it has done it, as an operator would.
 *
 * @returns how often it had to be given
 * @throws with what it said last, where it has not done it in two minutes
 */
export async function growShards(to: number, redis: Environment): Promise<number> {
  const env = {
    PATH: process.env.PATH,
    ...Object.fromEntries(Object.entries(redis).map(([name, value]) => [name, String(value)])),
  }
  const deadline = performance.now() + DONE_WITHIN_MS
  for (let times = 1; ; times += 1) {
    try {
      await promisify(execFile)(process.execPath, [ENTRY, '--grow', String(to)], {
        env,
        timeout: ENDS_WITHIN_MS,
        killSignal: 'SIGKILL',
      })
      return times
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(AGAIN_AFTER_MS)
    }
  }
}
