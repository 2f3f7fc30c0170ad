/**
 * `npm test`: sets everything up and runs all tests: unit, integration, end to end. Arguments go on to Jest.
 *
 * The last line is `N passed, N failed`. A suite that cannot run, a run without tests and a process left behind are failures.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { build, ensureInstalled, ROOT, runMain } from './setup.mjs'

/** How long processes that are about to end may take after the last test. */
const LEFTOVER_GRACE_MS = 5_000

/** All tests: those that must have the machine to themselves come last, one after the other (jest.config.mjs). */
const PARTS = [
  ['--selectProjects', 'unit', 'integration', 'e2e'],
  ['--selectProjects', 'alone', '--runInBand'],
]

let counts = { passed: 0, failed: 1 }
await runMain(async () => {
  await ensureInstalled()
  await build()
  const { ensureRedisServer } = await import('@timers/local-redis')
  await ensureRedisServer((line) => console.log(line))
  const args = process.argv.slice(2)
  counts = { passed: 0, failed: 0 }
  let worst = 0
  for (const part of args.length > 0 ? [args] : PARTS) {
    const { exitCode, passed, failed } = await runJest(part)
    counts = { passed: counts.passed + passed, failed: counts.failed + failed }
    worst ||= exitCode === 0 && failed > 0 ? 1 : exitCode
  }
  return worst
})
console.log(`${counts.passed} passed, ${counts.failed} failed`)

/**
 * @param {readonly string[]} args
 * @returns {Promise<{ exitCode: number, passed: number, failed: number }>}
 */
async function runJest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'timers-test-'))
  const report = join(folder, 'report.json')
  const jest = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js')
  const nodeOptions = `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`
  const child = spawn(process.execPath, [jest, ...args, '--json', `--outputFile=${report}`], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, NODE_OPTIONS: nodeOptions.trim() },
    // A process group of its own, to find what the tests leave behind.
    detached: true,
  })
  const group = child.pid ?? 0
  const passOn = (/** @type {NodeJS.Signals} */ signal) => killGroup(group, signal)
  process.on('SIGINT', passOn)
  process.on('SIGTERM', passOn)
  const ending = endWhenDone(report, group)
  const exitCode = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
  clearInterval(ending)
  const leftovers = await endLeftovers(group)
  process.off('SIGINT', passOn)
  process.off('SIGTERM', passOn)

  const run = readReport(report)
  rmSync(folder, { recursive: true, force: true })
  if (run.passed + run.failed === 0) {
    console.error('No test ran.')
    return { exitCode: exitCode || 1, passed: 0, failed: 1 }
  }
  for (const leftover of leftovers) console.error(`The tests left a process behind: ${leftover}`)
  const failed = run.failed + (leftovers.length > 0 ? 1 : 0)
  // A run that failed for another reason (a coverage threshold, something left open) must not end with "0 failed".
  return { exitCode, passed: run.passed, failed: exitCode === 0 ? failed : Math.max(failed, 1) }
}

/**
 * Ends a Jest that has reported and does not end by itself: a test left something open. That counts as a failure.
 *
 * @param {string} report
 * @param {number} group
 */
function endWhenDone(report, group) {
  let reportedAt = 0
  return setInterval(() => {
    if (reportedAt === 0) reportedAt = existsSync(report) ? Date.now() : 0
    else if (Date.now() - reportedAt > LEFTOVER_GRACE_MS) {
      console.error(`A test left something open: ended. Still there:\n${membersOf(group).join('\n')}`)
      killGroup(group, 'SIGKILL')
    }
  }, 250)
}

/** @param {string} file */
function readReport(file) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'))
    return {
      passed: Number(report.numPassedTests),
      failed: Number(report.numFailedTests) + Number(report.numRuntimeErrorTestSuites),
    }
  } catch {
    // Interrupted, or Jest itself did not start: its output says why.
    return { passed: 0, failed: 0 }
  }
}

/**
 * Ends whatever still runs in the process group.
 *
 * @param {number} group
 * @returns {Promise<string[]>} what did not end by itself
 */
async function endLeftovers(group) {
  const deadline = Date.now() + LEFTOVER_GRACE_MS
  let members = membersOf(group)
  while (members.length > 0 && Date.now() < deadline) {
    await sleep(50)
    members = membersOf(group)
  }
  killGroup(group, 'SIGKILL')
  return members
}

/**
 * Only Linux tells cheaply; elsewhere the list is empty.
 *
 * @param {number} group
 * @returns {string[]} pid and command line of each live member
 */
function membersOf(group) {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        const [state, , processGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        if (processGroup !== String(group) || state === 'Z') return []
        return [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`]
      } catch {
        return []
      }
    })
}

/**
 * @param {number} group
 * @param {NodeJS.Signals} signal
 */
function killGroup(group, signal) {
  try {
    process.kill(-group, signal)
  } catch {
    // Nobody is left in it.
  }
}
