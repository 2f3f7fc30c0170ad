import type { ChildProcess } from 'node:child_process'
import { runInThisContext } from 'node:vm'

/** Children to end when this process ends, and the signal for each. Process-wide, like the event that it serves. */
const children = new Map<ChildProcess, NodeJS.Signals>()
let watching = false

/**
 * Makes a child end with this process, if it still runs when this process exits by itself.
 *
 * Not covered: this process being killed with -9, which leaves nobody to do it.
 */
export function endWithThisProcess(child: ChildProcess, signal: NodeJS.Signals): void {
  children.set(child, signal)
  child.once('exit', () => children.delete(child))
  if (watching) return
  watching = true
  // Jest gives a test a copy of `process` that never emits 'exit': ask for the real one.
  const real = runInThisContext('process') as NodeJS.Process
  real.once('exit', () => {
    for (const [running, by] of children) {
      running.kill(by)
      // A paused process sees no SIGTERM before it goes on.
      running.kill('SIGCONT')
    }
  })
}
