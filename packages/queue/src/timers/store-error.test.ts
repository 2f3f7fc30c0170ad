import { TimerError } from '@timers/core'
import { storeErrorKind, toStoreError } from './store-error.ts'

const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' })

test.each<[Error, string, string | undefined]>([
  [reply('OOM command not allowed when used memory > maxmemory'), 'refused', 'STORE_REFUSED'],
  [reply('BUSY Redis is busy running a script'), 'refused', 'STORE_REFUSED'],
  [reply('LOADING Redis is loading the dataset in memory'), 'refused', 'STORE_REFUSED'],
  [reply('NOREPLICAS Not enough good replicas to write'), 'refused', 'STORE_REFUSED'],
  [reply('NOAUTH Authentication required.'), 'denied', 'STORE_REFUSED'],
  [reply("NOPERM this user has no permissions to run the 'evalsha' command"), 'denied', 'STORE_REFUSED'],
  [
    reply(
      "ERR The user executing the script can't run this command or subcommand script: c7f4, on @user_script:1.",
    ),
    'denied',
    'STORE_REFUSED',
  ],
  [new Error('Command timed out'), 'unreachable', 'STORE_UNAVAILABLE'],
  [
    new Error("Stream isn't writeable and enableOfflineQueue options is false"),
    'unreachable',
    'STORE_UNAVAILABLE',
  ],
  [
    Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
    'unreachable',
    'STORE_UNAVAILABLE',
  ],
  [
    Object.assign(new Error('retries'), { name: 'MaxRetriesPerRequestError' }),
    'unreachable',
    'STORE_UNAVAILABLE',
  ],
  [new Error('Connection is closed.'), 'closed', 'STORE_UNAVAILABLE'],
  [reply('WRONGTYPE Operation against a key holding the wrong kind of value'), 'defect', undefined],
  [reply('ERR Error compiling script'), 'defect', undefined],
  [new TypeError('x is not a function'), 'defect', undefined],
])('%s is %s', (error, kind, code) => {
  expect(storeErrorKind(error)).toBe(kind)
  const told = toStoreError(error)
  expect(told instanceof TimerError ? told.code : undefined).toBe(code)
  // A defect is not told as an outage.
  if (code === undefined) expect(told).toBe(error)
})
