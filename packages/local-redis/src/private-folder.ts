import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

/** The umask of a Redis: its files are for its own user alone, whatever the umask of whoever starts it. */
export const PRIVATE_UMASK = '077'

/** Mode of a file for its own user alone. */
export const PRIVATE_FILE = 0o600

/**
 * Makes Redis' data folder where it is missing, and closes it to other users of the machine: the AOF holds payloads and
 * headers in the clear. A folder of an older start is closed too, with the AOF's own, which backups copy as it is.
 */
export function makePrivateFolder(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  for (const folder of [dataDir, join(dataDir, 'appendonlydir')]) {
    if (existsSync(folder)) narrow(folder)
  }
}

function narrow(folder: string): void {
  try {
    chmodSync(folder, 0o700)
  } catch (error) {
    // Somebody else's folder, in which we may write: its owner decides who sees it; new files are ours alone anyway.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
  }
}
