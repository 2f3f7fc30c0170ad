import { Type } from '@sinclair/typebox'
import { redisOf, redisSettings } from './redis-settings.ts'
import { parseSettings } from './settings.ts'

const schema = Type.Object(redisSettings)
const read = (env: Record<string, string>) => redisOf(parseSettings(schema, env))

describe('which Redis', () => {
  test('is the one on this machine where nothing is said', () => {
    expect(read({})).toEqual({
      redisUrl: 'redis://127.0.0.1:6379',
      redisCaFile: undefined,
      sentinelPassword: undefined,
      replicaAcks: 0,
      shards: 1,
    })
  })

  test.each([
    'redis://127.0.0.1:6379/2',
    'rediss://redis.example',
    'redis+cluster://timers:secret@10.0.0.1:6379,10.0.0.2:6379',
    'rediss+cluster://10.0.0.1:6379',
    'redis+sentinel://:secret@10.0.0.1:26379,10.0.0.2:26379/main',
    'rediss+sentinel://10.0.0.1/main',
  ])('may be %s', (url) => {
    expect(read({ REDIS_URL: url }).redisUrl).toBe(url)
  })

  test.each([
    ['http://127.0.0.1:6379', /REDIS_URL must be redis:\/\/.*redis\+cluster:\/\/.*redis\+sentinel:\/\//],
    ['redis+cluster://', /REDIS_URL cannot be used: each of its hosts must be host:port/],
    ['redis+cluster://a:1/2', /a cluster has database 0 only/],
    ['redis+sentinel://a:1', /lacks the primary's name/],
    ['redis://a:1,b:2', /several hosts: write redis\+cluster:\/\/ .* redis\+sentinel:\/\//],
    ['redis+cluster://top%secret@a:1', /before @ stands user:password/],
    ['redis://a:99999', /it must be redis:\/\/.*host:port/],
    ['redis://:pass/word@a:1', /of a password percent-encoded/],
    ['redis://:100%@a:1', /write %25/],
    ['redis://a:1/timers', /the number of a database/],
  ])('%s is refused, with what to write instead', (url, message) => {
    expect(() => read({ REDIS_URL: url })).toThrow(message)
  })

  test('a wrong URL is not quoted: it may hold a password', () => {
    expect(() => read({ REDIS_URL: 'redis+sentinel://user:hunter2@a:1' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    )
  })

  test('a file of certificates that is not there is told at the start', () => {
    expect(() => read({ REDIS_CA_FILE: '/no/such/file.pem' })).toThrow(/REDIS_CA_FILE must be a file/)
  })

  test('so is a folder', () => {
    expect(() => read({ REDIS_CA_FILE: import.meta.dirname })).toThrow(/REDIS_CA_FILE must be a file/)
  })

  test('so is a file without a certificate', () => {
    const file = import.meta.filename
    expect(() => read({ REDIS_CA_FILE: file })).toThrow(/REDIS_CA_FILE must hold certificates as PEM/)
  })
})
