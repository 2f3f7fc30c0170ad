import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { eventually, FLAWLESS, onTheirWay } from '@timers/lab'
import { Load } from '../src/load.ts'
import { judgeAtRest } from '../src/rest.ts'
import { installations } from './installations.ts'

describe('TIMER_SHARDS=3', () => {
  const start = installations()

  test('timers are spread over all shards, and fire once', async () => {
    const installation = await start({ env: { TIMER_SHARDS: 3 } })
    const load = new Load(installation)
    await load.run({ count: 90, overMs: 500, seconds: [1, 2] })

    expect(await judgeAtRest(installation, load)).toEqual({ flaws: FLAWLESS, unknown: [] })
    const ids = load.acknowledged.map(({ acknowledged }) => acknowledged?.id ?? 0)
    expect(ids).toHaveLength(90)
    for (const shard of [0, 1, 2]) expect(ids.filter((id) => (id - 1) % 3 === shard)).toHaveLength(30)
    for (const shard of [0, 1, 2]) {
      expect(await installation.redis.command('ZCARD', `timers:{${shard}}:completed`)).toBe(30)
    }
  }, 60_000)
})

describe('more shards while all runs', () => {
  const start = installations()
  const SHARDS = fileURLToPath(new URL('../../../apps/worker/dist/shards.js', import.meta.url))

  test('timers are created, changed and fired by processes that know one shard, and none is lost or doubled', async () => {
    const installation = await start({ apis: 2, workers: 2 })
    const { redis } = installation
    const grow = (to: number, killedAt?: string) => run([SHARDS, '--grow', `${to}`], redis.url, killedAt)
    const load = new Load(installation)
    const byKey = cancelled(() => installation.apiUrl, 60)
    const completed = (shard: number) => redis.command('ZCARD', `timers:{${shard}}:completed`)
    const isOver = new AbortController()
    const running = createUntil(isOver.signal, load)

    expect(await grow(4, 'waiting')).toMatch(/shard 0: recorded layout 1, 4 shards/)
    expect(await grow(4)).toMatch(/all 4 shards follow layout 1; all take new timers/)
    expect(await grow(4)).toMatch(/there are 4 shards already/)
    expect(await grow(2)).toMatch(/live in 4 shards, and there are never fewer/)
    await eventually(
      async () => {
        for (const shard of [1, 2, 3]) expect(await completed(shard)).toBeGreaterThan(5)
      },
      { timeoutMs: 30_000 },
    )
    isOver.abort()
    await running
    await eventually(async () => expect(await onTheirWay(redis, 4)).toBe(60), { timeoutMs: 25_000 })
    expect(load.failed).toEqual([])
    // What was created before, is found and cancelled by its key.
    expect(await byKey()).toBe(60)
    expect(await judgeAtRest(installation, load)).toEqual({ flaws: FLAWLESS, unknown: [] })
  }, 120_000)

  /** Runs a command to its end, or up to where it says something; gives all that it has said. */
  async function run(args: readonly string[], redisUrl: string, killedAt?: string): Promise<string> {
    const child = spawn(process.execPath, args, { env: { PATH: process.env.PATH, REDIS_URL: redisUrl } })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        said += text
        if (killedAt !== undefined && said.includes(killedAt)) child.kill('SIGKILL')
      })
    }
    await once(child, 'close')
    return said
  }

  /** Creates timers, fifty a second, until it is over. */
  async function createUntil(isOver: AbortSignal, load: Load): Promise<void> {
    const asked: Promise<unknown>[] = []
    while (!isOver.aborted) {
      asked.push(load.create(1 + (asked.length % 3)))
      await sleep(20)
    }
    await Promise.all(asked)
  }

  /** Puts so many timers under keys for an hour; gives what cancels them by key, and says how many that were. */
  function cancelled(apiUrl: () => string, count: number): () => Promise<number> {
    const send = (method: string, key: string, body?: object) =>
      fetch(`${apiUrl()}/timers/by-key/${key}`, {
        method,
        ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      })
    const keys = Array.from({ length: count }, (_, at) => `key-${at}`)
    const put = Promise.all(
      keys.map((key) => send('PUT', key, { seconds: 3_600, url: 'https://receiver.example/never' })),
    )
    return async () => {
      expect((await put).map(({ status }) => status)).toEqual(keys.map(() => 201))
      const gone = await Promise.all(keys.map((key) => send('DELETE', key)))
      return gone.filter(({ status }) => status === 200).length
    }
  }
})
