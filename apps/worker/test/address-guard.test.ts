import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AddressVerdict } from '@timers/core'
import { eventually } from '@timers/lab'
import fc from 'fast-check'
import { createAddressGuard } from '../src/delivery/address-guard.ts'
import {
  BLOCKED,
  cleanups,
  client,
  connected,
  hostile,
  receiver,
  send,
  sockets,
} from './address-guard-bed.ts'

describe('an address that a URL names itself', () => {
  test.each([
    'http://127.0.0.1',
    'http://2130706433',
    'http://0177.0.0.1',
    'http://0x7f.0.0.1',
    'http://127.1',
    'http://１２７.０.０.１',
    'http://127.0.0.1.',
    'http://0.0.0.0',
    'http://[::1]',
    'http://[::]',
    'http://[::127.0.0.1]',
    'http://[::ffff:127.0.0.1]',
    'http://[64:ff9b::7f00:1]',
    'http://10.0.0.1',
    'http://169.254.169.254',
    'https://127.0.0.1',
    'https://[::1]',
    'https://169.254.169.254',
  ])('%s is blocked before anything is connected', async (origin) => {
    const { resolve, asked } = hostile(['127.0.0.1'])
    const result = await send(
      client(createAddressGuard({ allowCidrs: [], resolve })),
      `${origin}:${receiver.port}/x`,
    )
    expect(result).toMatchObject(BLOCKED)
    expect([sockets.length, asked.length]).toEqual([0, 0])
  })

  test('any address that is not public is blocked', async () => {
    const guard = createAddressGuard({ allowCidrs: [] })
    const sender = client(guard)
    const privateAddress = fc.oneof(
      fc
        .tuple(fc.constantFrom(10, 127, 0), fc.nat(255), fc.nat(255), fc.nat(255))
        .map((bytes) => bytes.join('.')),
      fc.tuple(fc.constantFrom('fd', 'fe80:', 'fc'), fc.nat(0xffff)).map(([head, tail]) => {
        const start = head.endsWith(':') ? head : `${head}00:`
        return `[${start}:${tail.toString(16)}]`
      }),
    )
    await fc.assert(
      fc.asyncProperty(privateAddress, async (host) => {
        expect(await send(sender, `http://${host}`)).toMatchObject(BLOCKED)
      }),
      { numRuns: 50 },
    )
    expect(sockets).toEqual([])
  })

  test('link-local and metadata addresses stay blocked when all is opened', async () => {
    const sender = client(createAddressGuard({ allowCidrs: ['0.0.0.0/0', '::/0'] }))
    expect(await send(sender, 'http://169.254.169.254/latest')).toMatchObject(BLOCKED)
    expect(await send(sender, 'http://[fe80::1]/')).toMatchObject(BLOCKED)
    expect(sockets).toEqual([])
  })

  test('one that is opened is called', async () => {
    const sender = client(createAddressGuard({ allowCidrs: ['127.0.0.0/8'] }))
    expect(await send(sender, receiver.hookUrl)).toMatchObject({ outcome: 'delivered' })
    expect(await send(sender, `http://[::ffff:127.0.0.1]:${receiver.port}`)).toMatchObject({
      outcome: 'delivered',
    })
  })
})

describe('a host name', () => {
  const inside: readonly (readonly string[])[] = [
    ['127.0.0.1'],
    ['8.8.8.8', '127.0.0.1'],
    ['127.0.0.1', '8.8.8.8'],
    ['::1'],
    ['::ffff:127.0.0.1'],
    ['2606:4700::1111', 'fe80::1%eth0'],
    ['64:ff9b::7f00:1'],
    ['169.254.169.254'],
    ['not an address'],
  ]
  test.each(inside.map((addresses) => [addresses.join(' and '), addresses] as const))(
    'that resolves to %s is blocked',
    async (_title, addresses) => {
      for (const scheme of ['http', 'https']) {
        const { resolve, asked } = hostile(addresses)
        const sender = client(createAddressGuard({ allowCidrs: [], resolve }))
        expect(await send(sender, `${scheme}://hook.test:${receiver.port}`)).toMatchObject(BLOCKED)
        expect(asked).toEqual(['hook.test'])
      }
      expect(connected).toBe(0)
    },
  )

  test('with a trailing dot, or in capitals, is judged like any other', async () => {
    const { resolve, asked } = hostile(['127.0.0.1'])
    const sender = client(createAddressGuard({ allowCidrs: [], resolve }))
    expect(await send(sender, 'http://LOCALHOST.')).toMatchObject(BLOCKED)
    expect(asked).toEqual(['localhost.'])
  })

  test('without any address is not found', async () => {
    const sender = client(createAddressGuard({ allowCidrs: [], ...hostile([]) }))
    expect(await send(sender, 'http://hook.test')).toMatchObject({
      outcome: 'never_sent',
      reason: 'host name not found',
    })
  })

  test('localhost of the system resolver is blocked', async () => {
    const result = await send(
      client(createAddressGuard({ allowCidrs: [] })),
      `http://localhost:${receiver.port}`,
    )
    expect(result).toMatchObject(BLOCKED)
  })

  test('that is bound to another address between two look-ups is blocked the second time', async () => {
    // 127.0.0.1 plays the public address and 127.0.0.2 the private one.
    const { resolve, asked } = hostile(['127.0.0.1'], ['127.0.0.2'])
    const sender = client(createAddressGuard({ allowCidrs: ['127.0.0.1/32'], resolve }))
    receiver.respond = () => ({ headers: { connection: 'close' } })
    cleanups.push(() => {
      receiver.respond = () => ({})
    })
    const before = receiver.requests.length
    const url = `http://hook.test:${receiver.port}`
    expect(await send(sender, url)).toMatchObject({ outcome: 'delivered' })
    expect(await send(sender, url)).toMatchObject(BLOCKED)
    expect(asked).toHaveLength(2)
    expect(receiver.requests.length - before).toBe(1)
  })

  test('is looked up once for a connection: what was judged is what is connected to', async () => {
    const { resolve, asked } = hostile(['127.0.0.1'], ['127.0.0.2'])
    const sender = client(createAddressGuard({ allowCidrs: ['127.0.0.1/32'], resolve }))
    const url = `http://hook.test:${receiver.port}`
    expect(await send(sender, url)).toMatchObject({ outcome: 'delivered' })
    expect(sockets.map((socket) => socket.remoteAddress)).toEqual(['127.0.0.1'])
    // The next one uses the same connection: no look-up, no other address.
    expect(await send(sender, url)).toMatchObject({ outcome: 'delivered' })
    expect([asked.length, sockets.length]).toEqual([1, 1])
  })
})

describe('a connection of the pool', () => {
  test('to an address that has been closed since is not used again', async () => {
    let verdict: AddressVerdict = 'allowed'
    const open = createAddressGuard({ allowCidrs: ['127.0.0.0/8'] })
    const sender = client({ ...open, check: () => verdict })
    const before = receiver.requests.length
    const url = `http://localhost.test:${receiver.port}`
    const named = client({
      check: () => verdict,
      lookup: createAddressGuard({ allowCidrs: ['127.0.0.0/8'], ...hostile(['127.0.0.1']) }).lookup,
    })
    expect(await send(sender, receiver.hookUrl)).toMatchObject({ outcome: 'delivered' })
    expect(await send(named, url)).toMatchObject({ outcome: 'delivered' })
    verdict = 'not public'
    expect(await send(sender, receiver.hookUrl)).toMatchObject(BLOCKED)
    expect(await send(named, url)).toMatchObject(BLOCKED)
    await eventually(() => expect(sockets.map((socket) => socket.destroyed)).toEqual([true, true]))
    expect(receiver.requests.length - before).toBe(2)
  })
})

describe('a redirect to the inside', () => {
  let inside: Server
  let asked = 0

  beforeAll(async () => {
    inside = createServer((_request, response) => {
      asked += 1
      response.end()
    })
    await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve))
  })

  afterAll(() => new Promise((resolve) => inside.close(resolve)))

  test.each([301, 302, 303, 307, 308])('%d is not followed', async (status) => {
    const { port } = inside.address() as AddressInfo
    receiver.respond = () => ({ status, headers: { location: `http://127.0.0.1:${port}/admin` } })
    cleanups.push(() => {
      receiver.respond = () => ({})
    })
    const sender = client(createAddressGuard({ allowCidrs: ['127.0.0.0/8'] }))
    expect(await send(sender, receiver.hookUrl)).toMatchObject({
      outcome: 'rejected',
      responseStatus: status,
    })
    expect(asked).toBe(0)
  })
})
