import diagnostics from 'node:diagnostics_channel'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { AddressVerdict } from '@timers/core'
import { eventually, type Receiver, startReceiver } from '@timers/lab'
import fc from 'fast-check'
import { type AddressGuard, createAddressGuard, type Resolve } from '../src/delivery/address-guard.ts'
import { type ClosableWebhookClient, createGotWebhookClient } from '../src/delivery/got-webhook-client.ts'
import { Names } from '../src/delivery/names/names.ts'
import { createSigner } from '../src/delivery/signature.ts'
import { ipv4, makeNameFiles, type NameServer, NO_DATA, startNameServer } from './name-server.ts'

const BLOCKED = { outcome: 'blocked', reason: 'address not allowed' }

let receiver: Receiver
let sockets: Socket[] = []
const cleanups: (() => unknown)[] = []
let connected = 0
const remember = (message: unknown): void => {
  const { socket } = message as { socket: Socket }
  sockets.push(socket)
  socket.once('connect', () => {
    connected += 1
  })
}

beforeAll(async () => {
  receiver = await startReceiver()
  diagnostics.subscribe('net.client.socket', remember)
})

afterAll(async () => {
  diagnostics.unsubscribe('net.client.socket', remember)
  await receiver.close()
})

beforeEach(() => {
  sockets = []
  connected = 0
})

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function client(guard: AddressGuard): ClosableWebhookClient {
  const made = createGotWebhookClient({
    // At once: here connections are used again by the next request.
    quietMs: 0,
    timeoutMs: 2_000,
    userAgent: 'test',
    guard,
    signer: createSigner([]),
  })
  cleanups.push(made.close)
  return made
}

/** A resolver that answers with the next list each time, and remembers what it was asked. */
function hostile(...answers: readonly (readonly string[])[]) {
  const asked: string[] = []
  const resolve: Resolve = (hostname, _options, done) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? []
    asked.push(hostname)
    setImmediate(() =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      ),
    )
  }
  return { resolve, asked }
}

const send = (sender: ClosableWebhookClient, url: string) => sender.send({ id: 1, url, attempt: 1 })

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

describe('a host name in DNS', () => {
  let server: NameServer

  beforeAll(async () => {
    server = await startNameServer(() => NO_DATA)
  })

  afterAll(() => server.close())

  async function named(
    allowCidrs: readonly string[],
    respond: NameServer['respond'],
  ): Promise<ClosableWebhookClient> {
    const files = await makeNameFiles({ resolvConf: `nameserver ${server.address}` })
    const names = new Names({ files })
    cleanups.push(files.remove, () => names.close())
    server.asked.length = 0
    server.respond = respond
    return client(createAddressGuard({ allowCidrs, resolve: names.lookup }))
  }
  const closing = (): void => {
    receiver.respond = () => ({ headers: { connection: 'close' } })
    cleanups.push(() => {
      receiver.respond = () => ({})
    })
  }

  test('is blocked for one address of many, and for one of IPv6', async () => {
    const url = `http://hook.test:${receiver.port}`
    const many = await named(['127.0.0.1/32'], (name, type) =>
      ipv4(name, type, ['127.0.0.1', '10.0.0.1', '127.0.0.1']),
    )
    expect(await send(many, url)).toMatchObject(BLOCKED)
    const both = await named(['127.0.0.1/32'], (name, type) =>
      type === 'A'
        ? ipv4(name, type, ['127.0.0.1'])
        : { answers: [{ type: 'AAAA', name, ttl: 60, data: 'fd00::1' }] },
    )
    expect(await send(both, url)).toMatchObject(BLOCKED)
    expect(connected).toBe(0)
  })

  test('is judged anew for every connection when its address is remembered', async () => {
    const sender = await named([], (name, type) => ipv4(name, type, ['127.0.0.1']))
    const url = `http://hook.test:${receiver.port}`
    expect(await send(sender, url)).toMatchObject(BLOCKED)
    expect(await send(sender, url)).toMatchObject(BLOCKED)
    expect(server.asked.filter((question) => question.startsWith('A '))).toEqual(['A hook.test'])
    expect(connected).toBe(0)
  })

  test('that is bound to another address with every answer reaches judged addresses only', async () => {
    closing()
    let turn = 0
    const sender = await named(['127.0.0.1/32'], (name, type) => {
      if (type === 'A') turn += 1
      return ipv4(name, type, [turn % 2 === 1 ? '127.0.0.1' : '127.0.0.2'], 0)
    })
    const url = `http://hook.test:${receiver.port}`
    const outcomes = new Set<string>()
    await eventually(async () => {
      outcomes.add((await send(sender, url)).outcome)
      expect([...outcomes].sort()).toEqual(['blocked', 'delivered'])
    })
    expect(new Set(sockets.map((socket) => socket.remoteAddress ?? '127.0.0.1'))).toEqual(
      new Set(['127.0.0.1']),
    )
  })

  test('of an international domain is asked for in Punycode', async () => {
    const sender = await named(['127.0.0.1/32'], (name, type) => ipv4(name, type, ['127.0.0.1']))
    expect(await send(sender, `http://Bücher.test:${receiver.port}`)).toMatchObject({ outcome: 'delivered' })
    expect(server.asked).toContain('A xn--bcher-kva.test')
  })

  test('whose server is silent is never sent to, and known to have run out of time', async () => {
    const files = await makeNameFiles({ resolvConf: `nameserver ${server.address}` })
    server.respond = () => 'silent'
    const names = new Names({ files })
    cleanups.push(files.remove, () => names.close())
    const made = createGotWebhookClient({
      // At once: here connections are used again by the next request.
      quietMs: 0,
      timeoutMs: 10_000,
      userAgent: 'test',
      guard: createAddressGuard({ allowCidrs: [], resolve: names.lookup }),
      signer: createSigner([]),
    })
    cleanups.push(made.close)
    expect(await send(made, 'http://hook.test')).toMatchObject({
      outcome: 'never_sent',
      reason: 'host name look-up timed out',
    })
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
