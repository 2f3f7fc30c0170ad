/**
 * `npm run restored`: makes data that was restored from a backup safe to go on with (docs/operations.md, "Backup and
 * restore"). Takes REDIS_URL, TIMER_SHARDS and TIMERS_RESTORED_AT from the environment.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, ensureInstalled, ROOT, runMain } from './setup.mjs'

await runMain(async () => {
  await ensureInstalled()
  await build()
  await import(pathToFileURL(join(ROOT, 'apps', 'worker', 'dist', 'restored.js')).href)
  return Number(process.exitCode ?? 0)
})
