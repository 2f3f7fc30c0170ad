import { eventually } from '@timers/lab'
import { createAddressGuard } from '../src/delivery/address-guard.ts'
import { type ClosableWebhookClient, createGotWebhookClient } from '../src/delivery/got-webhook-client.ts'
import { Names } from '../src/delivery/names/names.ts'
import { createSigner } from '../src/delivery/signature.ts'
import { BLOCKED, cleanups, client, connected, receiver, send, sockets } from './address-guard-bed.ts'
import { ipv4, makeNameFiles, type NameServer, NO_DATA, startNameServer } from './name-server.ts'

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
