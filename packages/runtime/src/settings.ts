import { type Static, type TObject, type TSchema, type TUnsafe, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { FINAL_STATUSES } from '@timers/core'
import { redisSettings } from './redis-settings.ts'
import { SettingsError } from './settings-error.ts'

/**
 * Settings come from environment variables, by one TypeBox object schema an app: a property a variable, with its
 * type, bounds, `default` and `description`. The same schema makes the tables in the documents.
 *
 * This reads them from an environment, purely: no variable is read from anywhere else, and the result is frozen.
 *
 * A variable that is not set, or set to the empty string, takes its default. Numbers and booleans are written out
 * in full (`15000`, `true`); anything else is a problem, not a guess.
 *
 * @throws SettingsError with all problems at once
 */
export function parseSettings<T extends TObject>(
  schema: T,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Static<T>> {
  const values: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(schema.properties)) {
    const text = env[name]
    const value = text === undefined || text === '' ? property.default : fromText(property, text)
    if (value !== undefined) values[name] = value
  }
  const wrong = new Set([...Value.Errors(schema, values)].map((error) => error.path.split('/')[1] ?? ''))
  if (wrong.size > 0) {
    throw new SettingsError(
      [...wrong].map((name) => `${name} must be ${describe(schema.properties[name] ?? Type.Unknown())}`),
    )
  }
  return Object.freeze(values) as Readonly<Static<T>>
}

/** A value of the property's type, or the text itself where it is not written like one. */
function fromText(property: TSchema, text: string): unknown {
  switch (property.type) {
    case 'integer':
      return /^-?\d+$/.test(text) ? Number(text) : text
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    case 'array':
      return text.split(/[\s,]+/).filter((item) => item !== '')
    default:
      return text
  }
}

/** What a variable may be, in words: `a whole number from 1 to 65535`. */
export function describe(property: TSchema): string {
  const { minimum, maximum, minLength } = property
  const from =
    minimum === undefined
      ? ''
      : maximum === undefined
        ? ` of at least ${minimum}`
        : ` from ${minimum} to ${maximum}`
  switch (property.type) {
    case 'integer':
      return `a whole number${from}`
    case 'number':
      return `a number${from}`
    case 'boolean':
      return 'true or false'
    case 'array':
      return property.wording ?? 'a list of values separated by commas'
    default:
      if (property.anyOf !== undefined) {
        return `one of ${property.anyOf.map((choice: TSchema) => choice.const).join(', ')}`
      }
      return property.wording ?? (minLength === undefined ? 'text' : 'given, and not empty')
  }
}

/** One of a few words. */
export function oneOf<T extends string>(words: readonly T[], options: { default?: T; description: string }) {
  return Type.Union(
    words.map((word) => Type.Literal(word)),
    options,
  ) as unknown as TUnsafe<T>
}

/** Settings that every process has. */
export const commonSettings = {
  ...redisSettings,
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: 'Least severe level that is logged',
  }),
}

/** Settings that the API and the worker must agree on. */
export const targetSettings = {
  DELIVERY_ALLOW_CIDRS: Type.Array(Type.String(), {
    default: [],
    wording: 'a list of networks such as 10.1.0.0/16,fd00::/8',
    description:
      'Networks that may be called although they are not public, separated by commas; link-local and metadata addresses stay closed, and IPv6 networks open no IPv4',
  }),
}

/** Settings of the processes that bring timers to their end: who is told of it (`eventsOf`). */
export const eventSettings = {
  EVENTS_URL: Type.Optional(
    Type.String({
      pattern: '^https?://',
      wording: 'a URL that starts with http:// or https://',
      description:
        'Gets a signed POST for every timer that comes to one of the statuses in EVENTS_ON; API and worker must have the same. Not set: nobody is told',
    }),
  ),
  EVENTS_ON: Type.Array(oneOf(FINAL_STATUSES, { description: 'A final status' }), {
    default: ['failed', 'unknown', 'expired', 'cancelled'],
    minItems: 1,
    wording: `one or more of ${FINAL_STATUSES.join(', ')}`,
    description: 'Final statuses of which EVENTS_URL is told, separated by commas',
  }),
}

/** Settings of the processes that listen. */
export const listenSettings = {
  HOST: Type.String({
    minLength: 1,
    default: '0.0.0.0',
    description: 'Address to listen on',
  }),
}

/** Names under which an HTTP service may be asked (`createHostCheck`). */
export const allowedHostsSetting = Type.Array(
  Type.String({ pattern: '^[^\\s/@:]+$|^\\[[0-9A-Fa-f:.]+\\]$' }),
  {
    default: [],
    wording: 'a list of host names without ports, such as timers.example,10.0.0.7',
    description:
      'Names that requests may be sent to (their Host header), separated by commas, beside localhost and HOST. Not set: on a loopback HOST only those two, elsewhere any',
  },
)

/** A port to listen on; 0 takes any free one. */
export function portSetting(port: number, description: string) {
  return Type.Integer({ minimum: 0, maximum: 65_535, default: port, description })
}
