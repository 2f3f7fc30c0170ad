import fc from 'fast-check'
import { canonicalJson } from './canonical-json.ts'

const same = (a: string, b: string) => canonicalJson(a) === canonicalJson(b)

describe('canonicalJson', () => {
  test.each([
    ['the order of members', '{"a":1,"b":[2,{"c":3,"d":4}]}', '{"b":[2,{"d":4,"c":3}],"a":1}'],
    ['whitespace', '{"a" : [ 1 ,\n2 ] }', '{"a":[1,2]}'],
    ['escapes', '"\\u0061\\/\\u00e9"', '"a/é"'],
    ['how a number is written', '[10, 1.50, 0.001, 100e-1, 0]', '[1e1, 1.5, 1E-3, 10.0, -0.0]'],
    ['zeros after a large number', '1230000000000000000000000000', '123e+25'],
    ['a power as long as one likes', `1e${'9'.repeat(40)}`, `10e${'9'.repeat(39)}8`],
  ])('does not see %s', (_, a, b) => {
    expect(same(a, b)).toBe(true)
  })

  test.each([
    ['numbers beyond 2^53', '1234567890123456789', '1234567890123456788'],
    ['numbers beyond all doubles', '1e400', '1e401'],
    ['digits beyond those of doubles', '0.1000000000000000001', '0.1'],
    ['a sign', '1', '-1'],
    ['a number and a text', '1', '"1"'],
    ['a text that looks like a number of ours', '1e0', '"1e0"'],
    ['null, false and nothing', '[null]', '[false]'],
    ['no member and one of null', '{}', '{"a":null}'],
    ['a list and an object', '[]', '{}'],
    ['the order of a list', '[1,2]', '[2,1]'],
    ['lists in lists', '[[1],2]', '[1,[2]]'],
    ['a member named __proto__', '{"__proto__":{"a":1}}', '{}'],
    ['what such a member holds', '{"__proto__":{"a":1}}', '{"__proto__":{"a":2}}'],
    ['a member that stands twice', '{"a":1,"a":2}', '{"a":2}'],
    ['which of two comes last', '{"a":1,"a":2}', '{"a":2,"a":1}'],
    ['half a character', '"\\ud800"', '"\\ud801"'],
  ])('sees %s', (_, a, b) => {
    expect(same(a, b)).toBe(false)
  })

  test('is equal for equal values, and another for others', () => {
    const value = fc.jsonValue({ maxDepth: 4 })
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(same(shuffled(a), JSON.stringify(a, null, 2))).toBe(true)
        expect(same(JSON.stringify(a), JSON.stringify(b))).toBe(isEqual(a, b))
      }),
      { numRuns: 500 },
    )
  })
})

const isEqual = (a: unknown, b: unknown) => fc.stringify(sorted(a)) === fc.stringify(sorted(b))

/** JSON with the members in the opposite order. */
function shuffled(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shuffled).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).reverse()
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${shuffled(member)}`).join(',')}}`
}

function sorted(value: unknown): unknown {
  if (Object.is(value, -0)) return 0
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([name, member]) => [name, sorted(member)] as const)
  return { members: members.sort(([a], [b]) => (a < b ? -1 : 1)) }
}
