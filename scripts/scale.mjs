/** `npm run scale`: the plan past this machine, from the stored figures. Its options: packages/bench/src/scale/main.ts. */
import { build, ensureInstalled, runMain } from './setup.mjs'

await runMain(async () => {
  await ensureInstalled()
  await build()
  // Built a moment ago: it cannot be imported before.
  await import(new URL('../packages/bench/dist/scale/main.js', import.meta.url).href)
  return Number(process.exitCode ?? 0)
})
