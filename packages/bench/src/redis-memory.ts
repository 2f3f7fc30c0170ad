import { setTimeout as sleep } from 'node:timers/promises'
import type { Installation } from '@timers/lab'

/** Resolves when Redis is not rewriting its file: that takes memory and time. */
export async function calm(installation: Installation): Promise<void> {
  for (;;) {
    const { aof_rewrite_in_progress: rewriting, aof_rewrite_scheduled: scheduled } = await info(
      installation,
      'persistence',
    )
    if (rewriting === '0' && scheduled === '0') return
    await sleep(100)
  }
}

/** What Redis has in use, in bytes, once it is calm. */
export async function usedBytes(installation: Installation): Promise<number> {
  await calm(installation)
  const { used_memory: bytes } = await info(installation, 'memory')
  return Number(bytes)
}

/** The fields of INFO. */
async function info({ redis }: Installation, section: string): Promise<Readonly<Record<string, string>>> {
  const text = String(await redis.command('INFO', section))
  return Object.fromEntries(
    [...text.matchAll(/^([^#:\r\n]+):([^\r\n]*)/gm)].map(([, key, value]) => [key, value]),
  )
}
