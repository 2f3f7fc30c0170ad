import { execFile, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, rm, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ATTEMPTS = 20

/** The disk under Redis' data folder, which can be made to run full. */
export interface DataDisk {
  readonly folder: string
  /** How a full disk is played; undefined where it cannot be on this machine. */
  readonly way: 'tmpfs' | 'file size limit' | undefined
  /** Leaves so many bytes of room for the file that is being written, and no more. */
  fill(leftBytes: number, pid: number, file: string): Promise<void>
  /** Makes room again, for a process to come. */
  drain(): Promise<void>
  /** Removes the folder and all that is in it. */
  close(): Promise<void>
}

/** A small file system in memory where this process may mount one (root on Linux), else a limit on the size of Redis' files. */
export async function openDataDisk(sizeBytes: number): Promise<DataDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'timers-chaos-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  if (await succeeds('mount', '-t', 'tmpfs', '-o', `size=${sizeBytes},mode=700`, 'timers-chaos', folder)) {
    // Also where the run ends with an exception.
    const unmount = (): void => {
      spawnSync('umount', ['--lazy', folder])
      rmSync(folder, { recursive: true, force: true })
    }
    process.once('exit', unmount)
    return {
      folder,
      way: 'tmpfs',
      fill: (leftBytes) => shrink(folder, leftBytes),
      drain: () => remount(folder, sizeBytes),
      close: async () => {
        process.off('exit', unmount)
        unmount()
      },
    }
  }
  const limits = await succeeds('prlimit', '--pid', String(process.pid), '--fsize')
  return {
    folder,
    way: limits ? 'file size limit' : undefined,
    fill: async (leftBytes, pid, file) => {
      const { size } = await stat(file)
      await run('prlimit', ['--pid', String(pid), `--fsize=${size + leftBytes}`])
    },
    drain: async () => {},
    close: remove,
  }
}

/** Again where Redis wrote more than that in the meantime: a file system cannot be smaller than what is in it. */
async function shrink(folder: string, leftBytes: number): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const { blocks, bavail, bsize } = await statfs(folder)
    try {
      await remount(folder, (blocks - bavail) * bsize + attempt * leftBytes)
      return
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
    }
  }
}

async function remount(folder: string, sizeBytes: number): Promise<void> {
  await run('mount', ['-o', `remount,size=${sizeBytes}`, folder])
}

async function succeeds(command: string, ...args: string[]): Promise<boolean> {
  return run(command, args).then(
    () => true,
    () => false,
  )
}
