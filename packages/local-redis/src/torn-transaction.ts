import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs'
import { lastAofFile } from './aof-file.ts'

const MULTI = Buffer.from('*1\r\n$5\r\nMULTI\r\n')
const EXEC = Buffer.from('*1\r\n$4\r\nEXEC\r\n')
/** How much is read at a time, from the end backwards. */
const WINDOW_BYTES = 256 * 1_024

/**
 * Takes a transaction that was never finished off the end of the AOF of a Redis that is down.
 *
 * The writes of a script stand between MULTI and EXEC. Where a power failure cuts the file off inside such a pair, in the
 * middle of a command, Redis takes away that command only and leaves the MULTI open: what it acknowledges from then on is
 * written behind it, and may be discarded with it, or applied together with half of the transaction, at the next start
 * (Redis 7.0; mended in valkey-io/valkey pull request 4342). Nobody was told that the transaction had happened.
 *
 * Values that hold such a command as raw bytes would deceive this; ours are JSON and URLs, without line breaks.
 *
 * @returns how many bytes were taken away
 */
export function discardTornTransaction(dataDir: string): number {
  const path = lastAofFile(dataDir)
  if (path === undefined) return 0
  const file = openSync(path, 'r+')
  try {
    const { size } = fstatSync(file)
    const torn = openTransaction(file, size)
    if (torn === undefined) return 0
    ftruncateSync(file, torn)
    return size - torn
  } finally {
    closeSync(file)
  }
}

/** Where the last MULTI begins, if no EXEC follows it. */
function openTransaction(file: number, size: number): number | undefined {
  const overlap = MULTI.length
  for (let end = size; end > 0; end -= WINDOW_BYTES) {
    const start = Math.max(0, end - WINDOW_BYTES)
    // A little more than the window: a command may lie across its end.
    const window = Buffer.alloc(Math.min(size, end + overlap) - start)
    readSync(file, window, 0, window.length, start)
    const [multi, exec] = [window.lastIndexOf(MULTI), window.lastIndexOf(EXEC)]
    if (multi > exec) return start + multi
    if (exec >= 0) return undefined
  }
  return undefined
}
