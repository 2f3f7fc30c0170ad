import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { RedisNode } from '@timers/local-redis'
import { markAof } from './aof-tail.ts'

const ROOM_BYTES = { least: 4 * 1_024, most: 128 * 1_024 }

/** Room that a disk that runs full has left, in bytes: it gives out in the middle of something. */
export function roomLeft(dice: number): number {
  const { least, most } = ROOM_BYTES
  return Math.round(least + dice * (most - least))
}

/** Takes nothing that needs memory; and does again. */
export const OUT_OF_MEMORY = {
  begin: ['CONFIG', 'SET', 'maxmemory', '1'],
  end: ['CONFIG', 'SET', 'maxmemory', '0'],
} as const

/**
 * A node whose files cannot grow any more, as on a full disk. With `appendfsync always` it ends itself; it is started again when
 * there is room.
 *
 * @returns how it went, in words
 */
export async function fillDisk(node: RedisNode, ms: number, dice: number): Promise<string> {
  const { pid } = node
  const until = performance.now() + ms
  const { size } = await stat((await markAof(node.dataDir)).file)
  const limit = size + roomLeft(dice)
  try {
    await promisify(execFile)('prlimit', ['--pid', String(pid), `--fsize=${limit}`])
  } catch {
    return 'has a full disk: not possible here'
  }
  await sleep(Math.max(0, until - performance.now()))
  const ended = node.pid === undefined
  // The limit stays with the process.
  await node.kill()
  await node.start()
  return `had a full disk, ended ${ended ? 'by itself' : 'by us'}`
}
