import { setTimeout as sleep } from 'node:timers/promises'
import type { Installation } from '@timers/lab'
import { infoOf } from './counters.ts'

/** Resolves when Redis is not rewriting its file: that takes memory and time. */
export async function calm(installation: Installation): Promise<void> {
  for (;;) {
    const info = await infoOf(installation.redis)
    if (info.get('aof_rewrite_in_progress') === '0' && info.get('aof_rewrite_scheduled') === '0') return
    await sleep(100)
  }
}

/** What Redis has in use, in bytes, once it is calm. */
export async function usedBytes(installation: Installation): Promise<number> {
  await calm(installation)
  return Number((await infoOf(installation.redis)).get('used_memory'))
}
