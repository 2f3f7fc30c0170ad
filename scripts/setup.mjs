import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's root folder. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url))

const MINIMUM_NODE = /** @type {const} */ ([20, 19])

/**
 * What is wrong, in words for the person at the terminal: shown without a stack.
 */
export class SetupError extends Error {}

/**
 * Installs the packages from the lock file, when they are missing or not those of the lock file.
 *
 * npm keeps what it has installed in a lock file of its own inside node_modules, written last of all: comparing the two
 * needs no network, no stamp file, and finds an installation that was cut short.
 */
export async function ensureInstalled() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor < MINIMUM_NODE[1])) {
    throw new SetupError(
      `Node ${process.versions.node} is too old: Node ${MINIMUM_NODE.join('.')} or newer is needed. Get it from https://nodejs.org`,
    )
  }
  if (isInstalled()) return
  console.log('Installing packages (npm ci) ...')
  // The npm that runs this script, if one does: it may not be the first on the PATH.
  const npm = process.env.npm_execpath
  const command = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm']
  // NODE_ENV=production would leave out the compiler.
  const code = await run([...command, 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'])
  if (code !== 0) throw new SetupError('npm ci failed, see above. Can this machine reach the npm registry?')
}

/** Builds what has changed since the last build. */
export async function build() {
  console.log('Building ...')
  const turbo = join(ROOT, 'node_modules', '.bin', 'turbo')
  const { code, output } = await capture([turbo, 'run', 'build', '--output-logs=errors-only'], {
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    DO_NOT_TRACK: '1',
  })
  if (code !== 0) throw new SetupError(`${output}\nThe build failed, see above.`)
}

/**
 * Runs `main` and ends the process with the code it returns. A SetupError is shown as its message, anything else with its stack.
 *
 * @param {() => Promise<number>} main
 */
export async function runMain(main) {
  try {
    process.exitCode = await main()
  } catch (error) {
    console.error(error instanceof SetupError ? `\n${error.message}` : error)
    process.exitCode = 1
  }
}

/**
 * Whether node_modules holds what package-lock.json asks for. Optional packages are those of other platforms.
 */
function isInstalled() {
  const wanted = lockedPackages(join(ROOT, 'package-lock.json'))
  const present = lockedPackages(join(ROOT, 'node_modules', '.package-lock.json'))
  if (wanted === undefined)
    throw new SetupError('package-lock.json is missing or broken: restore it from git.')
  if (present === undefined) return false
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (!path.includes('node_modules/') || optional) return true
    const found = present[path]
    return found !== undefined && found.version === version && found.integrity === integrity
  })
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }> | undefined}
 */
function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}

/**
 * @param {readonly string[]} command its output goes to the terminal
 * @returns {Promise<number>} exit code; 1 when it was ended by a signal
 */
function run([file = '', ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: ROOT, stdio: 'inherit' })
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
}

/**
 * @param {readonly string[]} command
 * @param {Record<string, string>} env on top of this process's own
 * @returns {Promise<{ code: number, output: string }>}
 */
function capture([file = '', ...args], env) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
      })
    }
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? 1, output }))
  })
}
