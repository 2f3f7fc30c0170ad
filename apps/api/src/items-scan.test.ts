import fc from 'fast-check'
import { scanItems } from './items-scan.ts'

const scan = (text: string) => {
  const found = scanItems(Buffer.from(text), 'timers', 3)
  return found && { rest: found.rest, items: found.items.map((item) => item.toString().trim()) }
}
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)

describe('the items of a body', () => {
  it.each<[string, string[], string]>([
    ['{"timers":[]}', [], '{"timers":[]}'],
    ['{"timers":[{"a":1},{"b":[2,{"c":3}]}]}', ['{"a":1}', '{"b":[2,{"c":3}]}'], '{"timers":[0,0]}'],
    [' { "timers" : [ 1 , "a,]}" ] } ', ['1', '"a,]}"'], ' { "timers" : [0,0] } '],
    ['{"timers":[{"a":1} {"b":2}]}', ['{"a":1} {"b":2}'], '{"timers":[0]}'],
    ['{"timers":[{"a":1},]}', ['{"a":1}'], '{"timers":[0,]}'],
    ['{"timers":[,1]}', ['1'], '{"timers":[,0]}'],
    ['{"ti\\u006ders":[1]}', ['1'], '{"ti\\u006ders":[0]}'],
    ['{"timers":{"timers":[1]}}', [], '{"timers":{"timers":[1]}}'],
    ['{"a":{"timers":[1]},"b":["timers",[1]]}', [], '{"a":{"timers":[1]},"b":["timers",[1]]}'],
    ['[{"timers":[1]}]', [], '[{"timers":[1]}]'],
    ['{"a":"timers","b":[1]}', [], '{"a":"timers","b":[1]}'],
    ['{"timers":"x"}', [], '{"timers":"x"}'],
    ['{"timers":[1', [], '{"timers":[1'],
  ])('of %s', (text, items, rest) => {
    expect(scan(text)).toEqual({ items, rest })
  })

  it('are those that parsing the whole would give, and the rest is JSON where the whole is', () => {
    const space = fc.constantFrom('', ' ', '\n\t')
    const item = fc.tuple(space, fc.json({ maxDepth: 3 }), space)
    const member = fc.tuple(fc.string(), fc.json({ maxDepth: 2 }))
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 3 }),
        fc.array(member, { maxLength: 2 }),
        space,
        (list, more, gap) => {
          const others = more.map(([name, value]) => `${JSON.stringify(`x${name}`)}${gap}:${value},`)
          const text = `{${others.join('')}${gap}"timers"${gap}:${gap}[${list.map((parts) => parts.join('')).join(',')}]${gap}}`
          const { items = [], rest = '' } = scan(text) ?? {}
          expect(items.map((each) => JSON.parse(each))).toEqual(JSON.parse(text).timers)
          expect(JSON.parse(rest).timers).toEqual(list.map(() => 0))
        },
      ),
    )
  })

  it('may be nested as deep as they like here: each is looked at by itself', () => {
    expect(scan(`{"timers":[1,${nested(50_000)},2]}`)).toMatchObject({ rest: '{"timers":[0,0,0]}' })
  })
})

it.each([
  ['{"timers":[1,2,3]}', 3],
  ['{"timers":[1,2,3,4]}', undefined],
  ['{"timers":[1,2,3,4,5]}', undefined],
  ['{"timers":[1,2],"timers":[3,4]}', undefined],
  [`{"timers":[${'0,'.repeat(2_000_000)}0]}`, undefined],
  ['['.repeat(4_000_000), 0],
])('%.40s has %s items', (text, count) => {
  expect(scan(text)?.items.length).toBe(count)
})

it('takes any bytes, JSON or not', () => {
  const bytes = fc
    .array(fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', '"timers"', ' ', '1'), { maxLength: 60 })
    .map((parts) => Buffer.from(parts.join('')))
  fc.assert(
    fc.property(fc.oneof(bytes, fc.uint8Array({ maxLength: 200 })), (given) => {
      scanItems(Buffer.from(given), 'timers', 3)
    }),
    { numRuns: 2_000 },
  )
})
