import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Valkey is the same server under another name; some distributions ship nothing else. */
const SERVER_NAMES = ['redis-server', 'valkey-server'] as const

interface PackageManager {
  readonly name: string
  readonly needsRoot: boolean
  readonly commands: readonly (readonly string[])[]
}

/** How each known package manager installs a Redis, in the order in which they are tried. Newer Fedoras have only Valkey. */
const PACKAGE_MANAGERS: readonly PackageManager[] = [
  {
    name: 'apt-get',
    needsRoot: true,
    commands: [
      ['apt-get', 'update'],
      // RUNLEVEL=1 keeps Debian's invoke-rc.d from starting a system service that nobody asked for.
      ['env', 'RUNLEVEL=1', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-y', 'redis-server'],
    ],
  },
  { name: 'dnf', needsRoot: true, commands: [['dnf', 'install', '-y', 'redis']] },
  { name: 'dnf', needsRoot: true, commands: [['dnf', 'install', '-y', 'valkey']] },
  { name: 'apk', needsRoot: true, commands: [['apk', 'add', '--no-cache', 'redis']] },
  { name: 'brew', needsRoot: false, commands: [['brew', 'install', 'redis']] },
]

/** Path of a Redis (or Valkey) server on the PATH, or undefined. */
export function findRedisServer(): string | undefined {
  for (const name of SERVER_NAMES) {
    const path = findOnPath(name)
    if (path !== undefined) return path
  }
  return undefined
}

/**
 * Path of a Redis server, installed with the system's package manager when there is none on the PATH.
 *
 * Says through `log` what it runs; the package manager writes to this process's own output. Throws an Error whose message says
 * what a person can do when there is no known package manager, no right to use it, or when it failed.
 */
export async function ensureRedisServer(log: (line: string) => void): Promise<string> {
  const present = findRedisServer()
  if (present !== undefined) return present

  const managers = PACKAGE_MANAGERS.filter((manager) => findOnPath(manager.name) !== undefined)
  if (managers.length === 0) throw new Error(advice('this machine has no package manager that we know'))
  let reason = ''
  for (const manager of managers) {
    const prefix = manager.needsRoot ? rootPrefix() : []
    if (prefix === undefined) {
      reason = `${manager.name} needs root and there is no sudo`
      continue
    }
    log(`There is no redis-server on the PATH: installing one with ${manager.name}.`)
    reason = await runAll(manager.commands, prefix, log)
    const installed = findRedisServer()
    if (installed !== undefined) {
      if (manager.name === 'apt-get') await stopSystemService(prefix)
      return installed
    }
  }
  throw new Error(advice(reason || 'the package manager installed no redis-server'))
}

function advice(reason: string): string {
  return (
    `There is no redis-server on the PATH, and it could not be installed: ${reason}. ` +
    'Install Redis 7 (or Valkey 8) by hand, e.g. "sudo apt-get install redis-server" or "brew install redis", ' +
    'or set REDIS_URL to a Redis that is running, e.g. REDIS_URL=redis://127.0.0.1:6379.'
  )
}

/** Runs the commands in turn and stops at the first that fails. Returns why, or an empty string. */
async function runAll(
  commands: readonly (readonly string[])[],
  prefix: readonly string[],
  log: (line: string) => void,
): Promise<string> {
  for (const command of commands) {
    const line = [...prefix, ...command]
    log(`$ ${line.join(' ')}`)
    const code = await run(line, 'inherit')
    // A package list that could not be refreshed may still do: let the installation itself decide.
    if (code !== 0 && !command.includes('update'))
      return `"${line.join(' ')}" ended with ${code ?? 'a signal'}`
  }
  return ''
}

/** On systemd RUNLEVEL is not asked: stop and disable what the package has just started on its own account. */
async function stopSystemService(prefix: readonly string[]): Promise<void> {
  if (!existsSync('/run/systemd/system')) return
  await run([...prefix, 'systemctl', 'disable', '--now', 'redis-server'], 'ignore')
}

function rootPrefix(): readonly string[] | undefined {
  if (process.getuid?.() === 0) return []
  return findOnPath('sudo') === undefined ? undefined : ['sudo']
}

function run(command: readonly string[], stdio: 'inherit' | 'ignore'): Promise<number | null> {
  const [file = '', ...args] = command
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio, env: process.env })
    child.once('error', () => resolve(127))
    child.once('exit', (code) => resolve(code))
  })
}

function findOnPath(name: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      if (statSync(path).isFile()) return path
    } catch {
      // Not here: look in the next folder.
    }
  }
  return undefined
}
