import type { Socket } from 'node:net'
import { createGzip } from 'node:zlib'
import { eventually } from '@timers/lab'
import { httpAnswer, type RawBehaviour, writeForever } from './faulty-receivers.ts'
import {
  ambiguous,
  client,
  clientSockets,
  delivered,
  type Fate,
  fateOf,
  neverSent,
  receiver,
  rejected,
} from './outcomes-bed.ts'

interface Row {
  readonly title: string
  readonly behaviour: RawBehaviour
  readonly fate: Fate
}

const onRequest = (answer: (socket: Socket) => unknown): RawBehaviour => ({ onRequest: answer })

const BROKEN: readonly Row[] = [
  {
    title: 'accept, then close',
    behaviour: { deaf: true, onConnection: (socket) => socket.destroy() },
    fate: ambiguous('connection reset', 0),
  },
  {
    title: 'request read, then close',
    behaviour: onRequest((socket) => socket.end()),
    fate: ambiguous('connection reset'),
  },
  {
    title: 'request read, then reset',
    behaviour: onRequest((socket) => socket.resetAndDestroy()),
    fate: ambiguous('connection reset'),
  },
  { title: 'no reply', behaviour: {}, fate: ambiguous('no answer in time') },
  {
    title: 'half a status line, then nothing',
    behaviour: onRequest((socket) => socket.write('HTTP/1.1 20')),
    fate: ambiguous('no answer in time'),
  },
  {
    title: 'endless 1xx',
    behaviour: onRequest((socket) => writeForever(socket, 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(600))),
    fate: ambiguous('answer is not HTTP'),
  },
  {
    title: 'garbage instead of HTTP',
    behaviour: onRequest((socket) => socket.write('\u0000\u0001SSH-2.0-OpenSSH_9.7\r\n\r\n')),
    fate: ambiguous('answer is not HTTP'),
  },
  {
    title: '40 KB of headers',
    behaviour: onRequest((socket) => socket.write(httpAnswer(200, { 'x-long': 'x'.repeat(40 * 1_024) }))),
    fate: ambiguous('answer headers too large'),
  },
  {
    title: 'headers without end',
    behaviour: onRequest((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      writeForever(socket, `x-one-more: ${'x'.repeat(10_000)}\r\n`)
    }),
    fate: ambiguous('answer headers too large'),
  },
  {
    title: '200 and a truncated body',
    behaviour: onRequest((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort')),
    fate: delivered(),
  },
  {
    title: '200 and a truncated chunked body',
    behaviour: onRequest((socket) =>
      socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nsho'),
    ),
    fate: delivered(),
  },
  {
    title: '200 and a body of broken chunks',
    behaviour: onRequest((socket) =>
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzzz\r\n'),
    ),
    fate: delivered(),
  },
  {
    title: 'a body that never ends',
    behaviour: onRequest((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      writeForever(socket, Buffer.alloc(16 * 1_024, 'x'))
    }),
    fate: delivered(),
  },
  {
    title: 'a body that drips',
    behaviour: onRequest((socket) => {
      socket.write('HTTP/1.1 500 Any\r\n\r\n')
      const drip = setInterval(() => socket.write('.'), 20)
      socket.once('close', () => clearInterval(drip))
    }),
    fate: rejected(500, 'retry'),
  },
  {
    title: 'a 1 GB gzip bomb',
    behaviour: onRequest((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n')
      const gzip = createGzip()
      gzip.pipe(socket)
      const zeros = Buffer.alloc(1_024 * 1_024)
      let left = 1_024
      const more = (): void => {
        while (!socket.destroyed && left > 0) {
          left -= 1
          if (!gzip.write(zeros)) return void gzip.once('drain', more)
        }
        gzip.end()
      }
      more()
    }),
    fate: delivered(),
  },
  {
    title: '101 and another protocol',
    behaviour: onRequest((socket) =>
      socket.write('HTTP/1.1 101 Any\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'),
    ),
    fate: rejected(101, 'failed'),
  },
]

describe('a receiver that breaks the rules', () => {
  test.each(BROKEN)('$title', async ({ behaviour, fate }) => {
    const broken = await receiver(behaviour)
    expect(await fateOf(client(), `http://127.0.0.1:${broken.port}/hook`, broken)).toEqual(fate)
    // Nothing of it is left: neither the connection, nor more of the answer than is ever read.
    await eventually(() => expect(broken.open).toBe(0))
    const [socket] = clientSockets
    expect(socket?.destroyed).toBe(true)
    expect(socket?.bytesRead).toBeLessThan(256 * 1_024)
  })

  test('reset on accept', async () => {
    const rude = await receiver({ deaf: true, onConnection: (socket) => socket.resetAndDestroy() })
    const fate = await fateOf(client(), `http://127.0.0.1:${rude.port}`, rude)
    // Whether the connection was ever there for the client depends on who was quicker.
    expect([neverSent('connection reset'), ambiguous('connection reset', 0)]).toContainEqual(fate)
  })
})
