import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** How to call the two programs of Prometheus. */
export interface PrometheusBinaries {
  readonly prometheus: string
  readonly promtool: string
}

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/timers', import.meta.url))

/**
 * Prometheus' programs: those on the PATH, or else from the system's package manager.
 *
 * Debian's package is only unpacked into a folder of ours: installing it would start a service that nobody asked for.
 *
 * @returns undefined on a machine with no package manager that we know
 * @throws Error where there is one and it did not bring them
 */
export async function ensurePrometheus(
  log: (line: string) => void,
  cache = CACHE,
): Promise<PrometheusBinaries | undefined> {
  const unpacked = join(cache, 'prometheus', 'usr', 'bin')
  const present = (await working('')) ?? (await working(unpacked))
  if (present !== undefined) return present
  if (await runs('apt-get')) {
    log('There is no promtool on the PATH: unpacking that of the Debian package "prometheus".')
    await unpackDebianPackage(cache)
    return (await working(unpacked)) ?? doesNotRun(unpacked)
  }
  if (await runs('brew')) {
    log('There is no promtool on the PATH: installing one with "brew install prometheus".')
    await run('brew', ['install', 'prometheus'])
    return (await working('')) ?? doesNotRun('the PATH')
  }
  log('There is no promtool, and no package manager that we know: install Prometheus to test the alerts.')
  return undefined
}

function doesNotRun(where: string): never {
  throw new Error(`The Prometheus in ${where} does not run: install another, "apt-get install prometheus"`)
}

async function working(folder: string): Promise<PrometheusBinaries | undefined> {
  const binaries = { prometheus: join(folder, 'prometheus'), promtool: join(folder, 'promtool') }
  return (await runs(binaries.promtool)) && (await runs(binaries.prometheus)) ? binaries : undefined
}

function run(program: string, args: readonly string[], cwd?: string): Promise<unknown> {
  return promisify(execFile)(program, args, { env: process.env, ...(cwd === undefined ? {} : { cwd }) })
}

async function runs(program: string): Promise<boolean> {
  try {
    await run(program, ['--version'])
    return true
  } catch {
    return false
  }
}

/** Into place in one step: two test files may do this at the same time. */
async function unpackDebianPackage(cache: string): Promise<void> {
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'download-'))
  try {
    await download(folder)
    const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'))
    if (archive === undefined) throw new Error('apt-get brought no package')
    await run('dpkg-deb', ['-x', archive, 'unpacked'], folder)
    await rename(join(folder, 'unpacked'), join(cache, 'prometheus')).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
      },
    )
  } catch (error) {
    throw new Error('Prometheus could not be had: install it, "apt-get install prometheus"', { cause: error })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function download(folder: string): Promise<void> {
  const get = () => run('apt-get', ['download', 'prometheus'], folder)
  try {
    await get()
  } catch {
    // A fresh machine has no package lists yet. Downloading needs no root; this does.
    const [program = '', ...args] = process.getuid?.() === 0 ? ['apt-get'] : ['sudo', '-n', 'apt-get']
    await run(program, [...args, 'update'])
    await get()
  }
}
