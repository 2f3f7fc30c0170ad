/**
 * `npm run chaos`: sets everything up and runs the experiment of packages/chaos. Arguments go on to it: `npm run chaos -- --help`.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { build, ensureInstalled, ROOT, runMain } from './setup.mjs'

await runMain(async () => {
  await ensureInstalled()
  await build()
  const { ensureRedisServer } = await import('@timers/local-redis')
  await ensureRedisServer((line) => console.log(line))
  const entry = join(ROOT, 'packages', 'chaos', 'dist', 'main.js')
  const child = spawn(process.execPath, [entry, ...process.argv.slice(2)], { stdio: 'inherit' })
  // Ctrl-C reaches both: the experiment cleans up, and this process waits for it.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  return await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
})
