import { troubleIn, wrongRedis } from './redis-trouble.ts'

const coded = (code: string) => Object.assign(new Error('TLS'), { code })

test.each([
  [new Error('NOAUTH Authentication required.'), 'Redis wants a password: set it in REDIS_URL'],
  [new Error('WRONGPASS invalid username-password pair'), 'refuses the user or password in REDIS_URL'],
  [new Error('ERR AUTH <password> called without any password configured'), 'refuses the user or password'],
  [new Error('ERR This instance has cluster support disabled'), 'write redis:// instead of redis+cluster://'],
  [new Error("ERR unknown command 'cluster', with args beginning with: 'NODES'"), 'no node of a cluster'],
  [coded('SELF_SIGNED_CERT_IN_CHAIN'), 'REDIS_CA_FILE'],
  [coded('CERT_SIGNATURE_FAILURE'), 'REDIS_CA_FILE'],
  [coded('CERT_HAS_EXPIRED'), 'has expired'],
  [coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'is for another name'],
  [
    Object.assign(new Error('DNS'), { code: 'ENOTFOUND', hostname: 'redis-9' }),
    'no machine has the name redis-9',
  ],
])('%s', (error, words) => {
  expect(troubleIn(error)).toContain(words)
})

test.each([
  ['NOAUTH Authentication required.', 'set REDIS_SENTINEL_PASSWORD'],
  ['WRONGPASS invalid', 'refuse the password in REDIS_SENTINEL_PASSWORD'],
  ["ERR unknown command 'sentinel', with args", 'REDIS_URL names no Sentinel'],
  ['ERR No such master with that name', 'the Sentinels watch no primary of that name'],
])('a Sentinel says %s', (said, words) => {
  expect(troubleIn(new Error(said), 'sentinel')).toContain(words)
})

test.each([new Error('connect ECONNREFUSED'), undefined, 'text'])('nothing is guessed of %s', (error) => {
  expect(troubleIn(error)).toBeUndefined()
  expect(troubleIn(error, 'sentinel')).toBeUndefined()
})

test.each([
  ['single', 'standalone', undefined],
  ['single', undefined, undefined],
  ['single', 'cluster', 'write redis+cluster://'],
  ['single', 'sentinel', 'write redis+sentinel://'],
  ['cluster', 'cluster', undefined],
  ['cluster', 'standalone', 'write redis://'],
  ['sentinel', 'standalone', undefined],
] as const)('REDIS_URL says %s, Redis says %s', (kind, mode, words) => {
  const wrong = wrongRedis(kind, mode)
  if (words === undefined) return expect(wrong).toBeUndefined()
  expect(wrong?.code).toBe('WRONG_REDIS')
  expect(wrong?.message).toContain(words)
})
