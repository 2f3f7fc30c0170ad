/**
 * The settings of every service as text: the tables of README.md and the whole of .env.example.
 *
 * Pure: the schemas come in, text goes out. `npm run docs` writes the files, scripts/test/settings-docs.test.ts keeps them equal.
 */
import { describe } from '@timers/runtime'

/** The services, in the order in which the documents name them. */
export const SERVICES = /** @type {const} */ (['api', 'worker', 'dashboard'])

/**
 * One setting, as far as the documents need it: a property of a TypeBox object schema.
 *
 * @typedef {Parameters<typeof describe>[0]} Setting
 */

/**
 * The settings schema of every service.
 *
 * @typedef {Record<typeof SERVICES[number], { properties: Record<string, Setting>, required?: string[] }>} Schemas
 */

/** @typedef {Schemas[keyof Schemas]} Schema */

/**
 * README.md with the tables between its markers made anew. Throws when a marker is missing.
 *
 * @param {string} readme
 * @param {Schemas} schemas
 */
export function withSettingsTables(readme, schemas) {
  let text = readme
  for (const service of SERVICES) {
    const begin = `<!-- settings of ${service}: made by npm run docs -->`
    const end = `<!-- end of settings of ${service} -->`
    const from = text.indexOf(begin)
    const to = text.indexOf(end)
    if (from === -1 || to < from) throw new Error(`README.md must have the lines ${begin} and ${end}`)
    text = `${text.slice(0, from + begin.length)}\n${settingsTable(schemas[service])}\n${text.slice(to)}`
  }
  return text
}

/** @param {Schema} schema */
function settingsTable(schema) {
  const rows = Object.entries(schema.properties).map(([name, setting]) =>
    row([`\`${name}\``, describe(setting), shownDefault(name, schema), setting.description ?? '']),
  )
  return [row(['Name', 'Value', 'Default', 'What it is']), row(['---', '---', '---', '---']), ...rows].join(
    '\n',
  )
}

/** @param {readonly string[]} cells */
function row(cells) {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

/**
 * @param {string} name
 * @param {Schema} schema
 */
function shownDefault(name, schema) {
  const value = schema.properties[name]?.default
  if (value !== undefined) return written(value) === '' ? 'empty' : `\`${written(value)}\``
  return isRequired(name, schema) ? 'none: must be set' : 'not set'
}

/**
 * The text of .env.example: first what is the same for every service, then a part for each.
 *
 * @param {Schemas} schemas
 */
export function envExample(schemas) {
  const first = schemas[SERVICES[0]].properties
  const common = Object.keys(first).filter((name) =>
    SERVICES.every(
      (service) => JSON.stringify(schemas[service].properties[name]) === JSON.stringify(first[name]),
    ),
  )
  const parts = [
    part('every service', schemas[SERVICES[0]], common),
    ...SERVICES.map((service) => {
      const own = Object.keys(schemas[service].properties).filter((name) => !common.includes(name))
      return part(service, schemas[service], own)
    }),
  ]
  return `${HEAD}\n${parts.join('\n')}`
}

const HEAD = `# Settings of the services, each with its default. Generated from the settings schemas by "npm run docs": do not edit.
#
# Copy this file to .env, and uncomment what you want to change.
# docker compose reads .env by itself, and passes on the settings that docker-compose.yml names.
# Without Docker: node --env-file=.env apps/api/dist/main.js. "npm start" does not read .env.
# A setting in the part of one service is for that service only, even if another has one with the same name.
`

/**
 * @param {string} title
 * @param {Schema} schema
 * @param {readonly string[]} names
 */
function part(title, schema, names) {
  const settings = names.map((name) => {
    const setting = /** @type {Setting} */ (schema.properties[name])
    const need = isRequired(name, schema) && setting.default === undefined ? ' Must be set.' : ''
    const about = `# ${setting.description}. Value: ${describe(setting)}.${need}`
    return `${about}\n# ${name}=${setting.default === undefined ? '' : written(setting.default)}\n`
  })
  return `# --- ${title} ---\n\n${settings.join('\n')}`
}

/**
 * @param {string} name
 * @param {Schema} schema
 */
function isRequired(name, schema) {
  return schema.required?.includes(name) ?? false
}

/** @param {unknown} value */
function written(value) {
  return Array.isArray(value) ? value.join(',') : String(value)
}
