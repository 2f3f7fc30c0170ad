import { redisPeerOf } from './redis-peers.ts'

/** A command as clients send it. */
const command = (...words: string[]) =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`
const peerOf = (...commands: string[]) => redisPeerOf(Buffer.from(commands.join('')))

test.each([
  [
    'ioredis on RESP 3',
    command('hello', '3', 'AUTH', 'api-1', 'any'),
    { lane: 'clients', name: 'client:api-1' },
  ],
  ['ioredis on RESP 2', command('auth', 'api-1', 'any'), { lane: 'clients', name: 'client:api-1' }],
  ['one with a password only', command('auth', 'any'), { lane: 'clients', name: 'client' }],
  ['one that does not log in', command('PING', 'x'), { lane: 'clients', name: 'client' }],
  [
    'a replica',
    command('PING') + command('REPLCONF', 'listening-port', '7000'),
    { lane: 'replicas', name: 'replica:7000' },
  ],
])('%s is known by what it says first', (_who, head, peer) => {
  expect(peerOf(head)).toEqual(peer)
})

test('who has said too little may still be anybody', () => {
  expect(peerOf(command('PING'))).toBeUndefined()
  expect(peerOf(command('AUTH', 'secret'))).toBeUndefined()
})
