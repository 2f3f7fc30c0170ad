import type { Log } from '@timers/core'
import { ShardNews, type ShardPlace } from './shard-news.ts'

function listen(): { readonly news: ShardNews; readonly said: string[] } {
  const said: string[] = []
  const say = (level: string) => (fields: object, message: string) => {
    said.push(`${level} ${message} ${JSON.stringify(fields)}`)
  }
  const log: Log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
  return { news: new ShardNews(log), said }
}

const at = (node: string | undefined, served = node !== undefined) => ({ node, served })
const places = (...list: ReturnType<typeof at>[]): ShardPlace[] =>
  list.map((place, shard) => ({ shard, ...place }))

describe('what the log says of shards and nodes', () => {
  test('nothing until all have a node, then where they are, once', () => {
    const { news, said } = listen()
    news.tell(places(at('a'), at(undefined)), 'write more', 0)
    expect(said).toEqual([])
    for (const now of [100, 2_000, 4_000]) news.tell(places(at('a'), at('b'), at('b')), undefined, now)
    expect(said).toEqual(['info shards of each primary {"shards":{"a":1,"b":2}}'])
  })

  test('shards that move one by one in a failover are one line', () => {
    const { news, said } = listen()
    news.tell(places(at('a'), at('a'), at('b')), undefined, 0)
    said.length = 0
    news.tell(places(at('c'), at('a'), at('b')), undefined, 1_000)
    news.tell(places(at('c'), at('c'), at('b')), undefined, 1_010)
    news.tell(places(at('c'), at('c'), at('b')), undefined, 1_100)
    expect(said).toEqual([])
    news.tell(places(at('c'), at('c'), at('b')), undefined, 1_200)
    news.tell(places(at('c'), at('c'), at('b')), undefined, 3_200)
    expect(said).toEqual(['info shards have moved {"moved":{"a -> c":"0,1"},"shards":{"c":2,"b":1}}'])
  })

  test('shards that are away are one warning and one word when they are back, and a moment away is none', () => {
    const { news, said } = listen()
    news.tell(places(at('a'), at('b')), undefined, 0)
    said.length = 0
    news.tell(places(at('a', false), at('b')), undefined, 1_000)
    news.tell(places(at('a'), at('b')), undefined, 1_900)
    expect(said).toEqual([])
    for (const now of [2_000, 3_000, 3_200, 5_000]) news.tell(places(at('a'), at('b', false)), undefined, now)
    expect(said).toEqual([
      'warn shards are not served: their node cannot be reached {"shards":"1","nodes":["b"]}',
    ])
    news.tell(places(at('a'), at('b')), undefined, 6_000)
    news.tell(places(at('a'), at('b')), undefined, 8_000)
    expect(said.slice(1)).toEqual(['info shards are served again {"shards":"1"}'])
  })

  test('an uneven spread is warned of once, with what to write', () => {
    const { news, said } = listen()
    for (const now of [0, 2_000]) news.tell(places(at('a')), 'TIMER_SHARDS=16 would be spread evenly', now)
    expect(said.slice(1)).toEqual([
      'warn shards are spread unevenly: TIMER_SHARDS=16 would be spread evenly {}',
    ])
  })

  test('while slots are moved, and one primary has many for a while, nobody is told to write anything', () => {
    const { news, said } = listen()
    news.tell(places(at('a'), at('b')), undefined, 0)
    for (const now of [1_000, 2_000, 20_000]) news.tell(places(at('a'), at('a')), 'more', now)
    news.tell(places(at('c'), at('a')), undefined, 40_000)
    expect(said.filter((line) => line.startsWith('warn'))).toEqual([])
    for (const now of [50_000, 90_000, 99_000]) news.tell(places(at('a'), at('a')), 'more', now)
    expect(said.filter((line) => line.startsWith('warn'))).toEqual([
      'warn shards are spread unevenly: more {}',
    ])
  })
})
