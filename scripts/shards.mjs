/**
 * `npm run shards`: shows how timers are spread over shards; `npm run shards -- --grow 8` makes it eight of them while everything
 * runs (docs/operations.md, "More shards"). Takes REDIS_URL and the other settings of Redis from the environment.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, ensureInstalled, ROOT, runMain } from './setup.mjs'

await runMain(async () => {
  await ensureInstalled()
  await build()
  await import(pathToFileURL(join(ROOT, 'apps', 'worker', 'dist', 'shards.js')).href)
  return Number(process.exitCode ?? 0)
})
