/**
 * `npm run bench`: sets everything up and measures. `npm run bench -- --help` is answered by packages/bench/src/options.ts.
 *
 * What it measures and against what: docs/benchmarks.md.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { build, ensureInstalled, ROOT, runMain } from './setup.mjs'

await runMain(async () => {
  await ensureInstalled()
  await build()
  const { ensureRedisServer } = await import('@timers/local-redis')
  await ensureRedisServer((line) => console.log(line))
  return runBench(process.argv.slice(2))
})

/**
 * @param {readonly string[]} args
 * @returns {Promise<number>} exit code
 */
function runBench(args) {
  const main = join(ROOT, 'packages', 'bench', 'dist', 'main.js')
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], { stdio: 'inherit' })
    // Ctrl-C reaches the bench as well; it ends what it started, and this process ends after it.
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
      process.on(signal, () => child.kill(signal))
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
}
