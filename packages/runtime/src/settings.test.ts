import { Type } from '@sinclair/typebox'
import { REDIS_URL_FORMS } from '@timers/core'
import fc from 'fast-check'
import { commonSettings, describe as inWords, oneOf, parseSettings, portSetting } from './settings.ts'
import { SettingsError } from './settings-error.ts'

const schema = Type.Object({
  COUNT: Type.Integer({ minimum: 1, maximum: 10, default: 3 }),
  RATIO: Type.Number({ minimum: 0.5, default: 1 }),
  ON: Type.Boolean({ default: false }),
  LEVEL: oneOf(['low', 'high'], { default: 'low', description: '' }),
  NAME: Type.String({ minLength: 2, default: 'name' }),
  LIST: Type.Array(Type.String({ pattern: '^[a-z]+$' }), { default: [] }),
  MAYBE: Type.Optional(Type.Integer({ minimum: 0 })),
})

const DEFAULTS = { COUNT: 3, RATIO: 1, ON: false, LEVEL: 'low', NAME: 'name', LIST: [] }

function problems(env: Record<string, string | undefined>, of = schema): readonly string[] {
  try {
    parseSettings(of, env)
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
  throw new Error('accepted')
}

describe('parseSettings', () => {
  test('takes defaults for what is not set or empty', () => {
    expect(parseSettings(schema, {})).toEqual(DEFAULTS)
    const empty = Object.fromEntries(Object.keys(schema.properties).map((name) => [name, '']))
    expect(parseSettings(schema, empty)).toEqual(DEFAULTS)
  })

  test('reads each type', () => {
    const env = {
      COUNT: '10',
      RATIO: '0.75',
      ON: 'true',
      LEVEL: 'high',
      NAME: 'ab',
      LIST: 'a, b\nc',
      MAYBE: '0',
    }
    expect(parseSettings(schema, { ...env, OTHER: 'ignored' })).toEqual({
      COUNT: 10,
      RATIO: 0.75,
      ON: true,
      LEVEL: 'high',
      NAME: 'ab',
      LIST: ['a', 'b', 'c'],
      MAYBE: 0,
    })
  })

  test('the result is frozen', () => {
    expect(Object.isFrozen(parseSettings(schema, {}))).toBe(true)
  })

  test.each([
    [
      'COUNT',
      ['3.7', '1e1', '0x5', '+3', ' 3', '3 ', '0', '11', '-1', 'three', 'NaN', 'Infinity', '٣', '3n'],
    ],
    ['RATIO', ['0.4', '1e3', '.5', '1.', '0x1', 'NaN', 'Infinity', '1,5', '--1']],
    ['ON', ['True', 'TRUE', 'yes', 'no', '1', '0', 'on', ' true']],
    ['LEVEL', ['Low', 'medium', 'low ', 'toString', 'low,high']],
    ['NAME', ['x']],
    ['LIST', ['a,B']],
    ['MAYBE', ['-1', 'none', 'null', 'undefined']],
  ])('%s refuses %j', (name, texts) => {
    for (const text of texts) {
      const found = problems({ [name]: text })
      expect(found).toHaveLength(1)
      expect(found[0]).toMatch(new RegExp(`^${name} must be `))
    }
  })

  test('tells of all problems at once, by name and never by value', () => {
    const secret = 's3cr3t-value'
    const env = { COUNT: secret, RATIO: secret, ON: secret, LEVEL: secret, LIST: secret, MAYBE: secret }
    const found = problems(env)
    expect(found.map((problem) => problem.split(' ')[0])).toEqual(Object.keys(env))
    const error = new SettingsError(found)
    expect(error.message).not.toContain(secret)
    expect(error.message.split('\n')).toHaveLength(7)
  })

  test('a setting without a default must be given', () => {
    const required = Type.Object({ PASSWORD: Type.String({ minLength: 1 }) })
    expect(() => parseSettings(required, { PASSWORD: '' })).toThrow('PASSWORD must be given, and not empty')
  })

  test('reads nothing but what it is given', () => {
    const inherited = Object.create({ COUNT: '7' }) as Record<string, string>
    inherited.NAME = 'own'
    expect(parseSettings(schema, { NAME: 'own' }).COUNT).toBe(3)
    process.env.RATIO = '9'
    try {
      expect(parseSettings(schema, {}).RATIO).toBe(1)
    } finally {
      delete process.env.RATIO
    }
  })

  test('a whole number is taken exactly when it is written out in full and within bounds', () => {
    const text = fc.oneof(
      fc.string(),
      fc.double().map(String),
      fc.integer().map(String),
      fc.integer({ max: 12 }).map(String),
    )
    fc.assert(
      fc.property(text, (written) => {
        const good =
          written === '' || (/^-?[0-9]+$/.test(written) && Number(written) >= 1 && Number(written) <= 10)
        if (good)
          expect(parseSettings(schema, { COUNT: written }).COUNT).toBe(written === '' ? 3 : Number(written))
        else expect(problems({ COUNT: written })).toEqual(['COUNT must be a whole number from 1 to 10'])
      }),
    )
  })
})

describe('describe', () => {
  test.each([
    [schema.properties.COUNT, 'a whole number from 1 to 10'],
    [schema.properties.RATIO, 'a number of at least 0.5'],
    [Type.Integer(), 'a whole number'],
    [schema.properties.ON, 'true or false'],
    [schema.properties.LEVEL, 'one of low, high'],
    [schema.properties.NAME, 'given, and not empty'],
    [Type.String(), 'text'],
    [schema.properties.LIST, 'a list of values separated by commas'],
    [commonSettings.REDIS_URL, REDIS_URL_FORMS],
    [portSetting(3_000, ''), 'a whole number from 0 to 65535'],
  ])('%#: %s', (property, words) => {
    expect(inWords(property)).toBe(words)
  })
})

describe('commonSettings', () => {
  const common = Type.Object(commonSettings)

  test.each(['redis://127.0.0.1:6379', 'rediss://user:pass@redis.example:6380/2'])(
    'REDIS_URL takes %s',
    (url) => {
      expect(parseSettings(common, { REDIS_URL: url }).REDIS_URL).toBe(url)
    },
  )

  test('REDIS_URL with a password in it is not quoted when it is wrong', () => {
    const error = (() => {
      try {
        parseSettings(common, { REDIS_URL: 'http://user:hunter2@redis.example' })
      } catch (thrown) {
        return thrown as SettingsError
      }
      throw new Error('accepted')
    })()
    expect(error.message).toContain('REDIS_URL must be redis://')
    expect(error.message).not.toContain('hunter2')
  })

  test.each(['0', '1025', '1.5'])('TIMER_SHARDS refuses %s', (text) => {
    expect(() => parseSettings(common, { TIMER_SHARDS: text })).toThrow('TIMER_SHARDS must be a whole number')
  })
})
