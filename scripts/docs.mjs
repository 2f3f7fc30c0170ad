/** `npm run docs`: writes the settings of every service into README.md and .env.example. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, ensureInstalled, ROOT, runMain } from './setup.mjs'

await runMain(async () => {
  await ensureInstalled()
  await build()
  // Built a moment ago: they cannot be imported before.
  const { envExample, SERVICES, withSettingsTables } = await import('./settings-docs.mjs')
  const found = await Promise.all(SERVICES.map(async (service) => [service, await schemaOf(service)]))
  const schemas = Object.fromEntries(found)
  const readme = join(ROOT, 'README.md')
  write(readme, withSettingsTables(readFileSync(readme, 'utf8'), schemas))
  write(join(ROOT, '.env.example'), envExample(schemas))
  return 0
})

/**
 * @param {string} service
 * @returns {Promise<object>}
 */
async function schemaOf(service) {
  const file = new URL(`../apps/${service}/dist/settings.js`, import.meta.url)
  return (await import(file.href))[`${service}Settings`]
}

/**
 * @param {string} file
 * @param {string} text
 */
function write(file, text) {
  writeFileSync(file, text)
  console.log(`Wrote ${file}`)
}
