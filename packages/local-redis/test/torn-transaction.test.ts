import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RedisServer, redisCommand, startRedisServer } from '../src/index.ts'
import { discardTornTransaction } from '../src/torn-transaction.ts'

const command = (...words: string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`

describe('an AOF that ends in the middle of a transaction', () => {
  let dataDir: string
  let server: RedisServer

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'timers-aof-'))
    server = await startRedisServer({ dataDir })
  })
  afterEach(async () => {
    await server.kill()
    rmSync(dataDir, { recursive: true, force: true })
  })

  const run = (...words: string[]) => redisCommand(server.port, words)

  function aofFile(): string {
    const folder = join(dataDir, 'appendonlydir')
    return join(folder, readdirSync(folder).find((name) => name.endsWith('.incr.aof')) ?? '')
  }

  /** kill -9, and so many bytes of what was never finished at the end of the file. */
  async function restartWith(tail: string): Promise<void> {
    await server.kill()
    appendFileSync(aofFile(), tail)
    server = await startRedisServer({ dataDir })
  }

  const transaction = `${command('MULTI')}${command('ZREM', 'delayed', 't1')}${command('RPUSH', 'wait', 't1')}${command('EXEC')}`

  test.each(Array.from({ length: transaction.length }, (_, cut) => cut).filter((cut) => cut % 7 === 0))(
    'loses nothing that is acknowledged after it, cut off at byte %d',
    async (cut) => {
      await run('ZADD', 'delayed', '1', 't1')
      await restartWith(transaction.slice(0, cut))
      await run('SET', 'claim', 'acknowledged')
      await server.kill()
      server = await startRedisServer({ dataDir })

      expect(await run('GET', 'claim')).toBe('acknowledged')
      expect(await run('ZRANGE', 'delayed', '0', '-1')).toEqual(['t1'])
      expect(await run('LLEN', 'wait')).toBe(0)
    },
  )

  test('is found however long the transaction is', async () => {
    await server.kill()
    const before = statSync(aofFile()).size
    const long = command('SET', 'filler', 'x'.repeat(300_000))
    appendFileSync(aofFile(), command('MULTI') + long + long.slice(0, -1))
    expect(discardTornTransaction(dataDir)).toBeGreaterThan(600_000)
    expect(statSync(aofFile()).size).toBe(before)
  })

  test('is left alone where it is whole', async () => {
    await run('EVAL', "redis.call('SET', 'a', 1) return redis.call('SET', 'b', 2)", '0')
    await run('SET', 'c', '3')
    await server.kill()
    expect(discardTornTransaction(dataDir)).toBe(0)
  })
})
