import { readFileSync } from 'node:fs'
import { apiSettings } from '../../apps/api/src/settings.ts'
import { dashboardSettings } from '../../apps/dashboard/src/settings.ts'
import { workerSettings } from '../../apps/worker/src/settings.ts'
import { envExample, withSettingsTables } from '../settings-docs.mjs'

const SCHEMAS = { api: apiSettings, worker: workerSettings, dashboard: dashboardSettings }

const fileAtRoot = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

/** The first line that differs, with what to do: a diff of a whole README helps nobody. */
function differenceOf(file: string, expected: string): string | undefined {
  const [is, wanted] = [fileAtRoot(file).split('\n'), expected.split('\n')]
  const at = Array.from({ length: Math.max(is.length, wanted.length) }, (_, line) => line).find(
    (line) => is[line] !== wanted[line],
  )
  if (at === undefined) return undefined
  return `${file} is not what the settings schemas say: run "npm run docs". Line ${at + 1} is\n  ${is[at]}\nand must be\n  ${wanted[at]}`
}

describe('the documents name every setting as its schema has it', () => {
  test('README.md', () => {
    expect(differenceOf('README.md', withSettingsTables(fileAtRoot('README.md'), SCHEMAS))).toBeUndefined()
  })

  test('.env.example', () => {
    expect(differenceOf('.env.example', envExample(SCHEMAS))).toBeUndefined()
  })

  test.each(Object.entries(SCHEMAS))('every setting of the %s has a description', (_service, schema) => {
    const bare = Object.entries(schema.properties).filter(([, setting]) => !setting.description)
    expect(bare.map(([name]) => name)).toEqual([])
  })

  test.each(Object.entries(SCHEMAS))(
    'docker-compose.yml hands every setting to the %s',
    (service, schema) => {
      const compose = fileAtRoot('docker-compose.yml')
      const shared = compose.slice(compose.indexOf('x-settings:'), compose.indexOf('\nservices:'))
      const [own = ''] = compose
        .slice(compose.indexOf(`\n  ${service}:\n`))
        .split(/\n(?= {2}\w+:\n)/)
        .slice(1)
      const missing = Object.keys(schema.properties).filter(
        (name) => !`${shared}${own}`.includes(` ${name}:`),
      )
      expect(missing).toEqual([])
    },
  )

  test('a README without the markers is refused, not left as it is', () => {
    expect(() => withSettingsTables('# Timers\n', SCHEMAS)).toThrow('settings of api')
  })
})
