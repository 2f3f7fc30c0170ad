import type { ChildProcess } from 'node:child_process'
import { runInThisContext } from 'node:vm'

/** Children to end when this process ends, and the signal for each. Process-wide, like the event that it serves. */
const children = new Map<ChildProcess, NodeJS.Signals>()
// Jest gives a test a copy of `process` that never emits 'exit': ask for the real one.
const realProcess = runInThisContext('process') as NodeJS.Process

/**
 * Makes a child end with this process, if it still runs when this process exits by itself.
 *
 * Not covered: this process being killed with -9, which leaves nobody to do it.
 */
export function endWithThisProcess(child: ChildProcess, signal: NodeJS.Signals): void {
  if (children.size === 0) realProcess.once('exit', endAll)
  children.set(child, signal)
  child.once('exit', () => {
    children.delete(child)
    // Each test file has a copy of this module, and they share the process.
    if (children.size === 0) realProcess.off('exit', endAll)
  })
}

function endAll(): void {
  for (const [running, by] of children) {
    running.kill(by)
    // A paused process sees no SIGTERM before it goes on.
    running.kill('SIGCONT')
  }
}
