import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { endWithThisProcess } from '@timers/local-redis'

const ENTRY = fileURLToPath(new URL('../../chaos/dist/main.js', import.meta.url))
/** A run that finds something unfinished waits for it before it says so. */
export const CHAOS_ENDS_WITHIN_MS = 170_000

/** The experiment as built, with these arguments. */
export function runChaos(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: CHAOS_ENDS_WITHIN_MS,
  })
  endWithThisProcess(child, 'SIGTERM')
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}
