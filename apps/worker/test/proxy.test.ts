import { eventually, type Receiver, stablePort, startReceiver } from '@timers/lab'
import { createAddressGuard, type Resolve } from '../src/delivery/address-guard.ts'
import { type ClosableWebhookClient, createGotWebhookClient } from '../src/delivery/got-webhook-client.ts'
import { parseProxy } from '../src/delivery/proxy-tunnel.ts'
import { createSigner } from '../src/delivery/signature.ts'
import { startProxy, type TestProxy } from './connect-proxy.ts'
import { type Certificate, httpAnswer, makeCertificate, startRawReceiver } from './faulty-receivers.ts'

const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']

/** With a proxy, nobody here looks a name up. */
const neverAsked: Resolve = () => {
  throw new Error('a name was looked up')
}

let receiver: Receiver
let proxy: TestProxy
const cleanups: (() => unknown)[] = []

beforeEach(async () => {
  receiver = await startReceiver()
  proxy = await startProxy()
  proxy.leadTo = receiver.port
  cleanups.push(receiver.close, proxy.close)
})

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function client(
  options: { proxyUrl?: string; ca?: string; allowCidrs?: string[]; timeoutMs?: number } = {},
): ClosableWebhookClient {
  const { proxyUrl, ca, allowCidrs = [], timeoutMs = 5_000 } = options
  const made = createGotWebhookClient({
    // At once: here connections are used again by the next request.
    quietMs: 0,
    timeoutMs,
    userAgent: 'test',
    guard: createAddressGuard({ allowCidrs, ...(proxyUrl === undefined ? {} : { resolve: neverAsked }) }),
    signer: createSigner([]),
    proxy: proxyUrl === undefined ? undefined : parseProxy(proxyUrl),
    ca,
  })
  cleanups.push(made.close)
  return made
}

const send = (sender: ClosableWebhookClient, url: string) => sender.send({ id: 3, url, attempt: 1 })
const proxyUrl = (): string => `http://127.0.0.1:${proxy.port}`

test('proxies of the environment are ignored', async () => {
  const before = PROXY_VARIABLES.map((name) => [name, process.env[name]] as const)
  for (const name of PROXY_VARIABLES) process.env[name] = proxyUrl()
  cleanups.push(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })
  const sender = client({ allowCidrs: ['127.0.0.0/8'] })
  expect(await send(sender, receiver.hookUrl)).toMatchObject({ outcome: 'delivered' })
  expect(receiver.requests).toHaveLength(1)
  expect([proxy.connects.length, proxy.others]).toEqual([0, 0])
})

describe('with a proxy', () => {
  test('all webhooks go through it, by name, over connections that are used again', async () => {
    const sender = client({ proxyUrl: `http://some:one%21@127.0.0.1:${proxy.port}` })
    for (let count = 0; count < 3; count += 1) {
      expect(await send(sender, 'http://hook.test:8080/a')).toMatchObject({ outcome: 'delivered' })
    }
    expect(receiver.requests.map(({ url }) => url)).toEqual(['/a/3', '/a/3', '/a/3'])
    const authorization = `Basic ${Buffer.from('some:one!').toString('base64')}`
    expect(proxy.connects).toEqual([{ authority: 'hook.test:8080', authorization }])
    // What is for the proxy is not for the receiver.
    expect(receiver.requests[0]?.headers).not.toHaveProperty('proxy-authorization')
    expect(proxy.others).toBe(0)
  })

  test('https goes through it to the receiver itself', async () => {
    const certificate: Certificate = await makeCertificate('hook.test')
    const secure = await startRawReceiver({
      tls: certificate,
      onRequest: (socket) => socket.write(httpAnswer(200)),
    })
    cleanups.push(secure.close)
    proxy.leadTo = secure.port
    const sender = client({ proxyUrl: proxyUrl(), ca: certificate.cert })
    expect(await send(sender, 'https://hook.test/a')).toMatchObject({ outcome: 'delivered' })
    expect(await send(sender, 'https://hook.test/a')).toMatchObject({ outcome: 'delivered' })
    expect(secure).toMatchObject({ requests: 2, connections: 1 })
    expect(proxy.connects.map(({ authority }) => authority)).toEqual(['hook.test:443'])

    expect(await send(client({ proxyUrl: proxyUrl() }), 'https://hook.test/a')).toMatchObject({
      outcome: 'never_sent',
      reason: 'TLS certificate not accepted',
    })
  })

  test('literals are still judged here', async () => {
    const sender = client({ proxyUrl: proxyUrl() })
    expect(await send(sender, 'http://169.254.169.254/')).toMatchObject({ outcome: 'blocked' })
    expect(await send(sender, 'https://[::1]/')).toMatchObject({ outcome: 'blocked' })
    expect(proxy.connects).toEqual([])
  })

  test('its 403 is its word on where a webhook may go', async () => {
    proxy.answer = 403
    const result = await send(client({ proxyUrl: proxyUrl() }), 'http://inside.test/')
    expect(result).toMatchObject({ outcome: 'blocked', reason: 'address not allowed' })
  })

  test.each([301, 407, 500, 502, 'hang', 'reset'] as const)(
    'where it answers %s, nothing was sent',
    async (answer) => {
      proxy.answer = answer
      for (const url of ['http://hook.test/', 'https://hook.test/']) {
        const result = await send(client({ proxyUrl: proxyUrl(), timeoutMs: 600 }), url)
        expect(result.outcome).toBe('never_sent')
        expect(result.responseStatus).toBeUndefined()
      }
      await eventually(() => expect(proxy.open).toBe(0))
      expect(receiver.requests).toEqual([])
    },
  )

  test('where there is none, nothing was sent', async () => {
    const result = await send(
      client({ proxyUrl: `http://127.0.0.1:${await stablePort()}` }),
      'http://hook.test/',
    )
    expect(result).toMatchObject({ outcome: 'never_sent', reason: 'no connection through the proxy' })
  })

  test('a receiver behind it that hangs up is ambiguous', async () => {
    receiver.respond = () => 'close'
    expect(await send(client({ proxyUrl: proxyUrl() }), 'http://hook.test/')).toMatchObject({
      outcome: 'ambiguous',
    })
    expect(receiver.requests).toHaveLength(1)
  })
})

test.each(['ftp://proxy.test', 'proxy.test:3128', 'http://%zz:x@proxy.test', ''])(
  'the URL %j is refused, and not quoted',
  (text) => {
    expect(() => parseProxy(text)).toThrow(
      new RangeError('not a URL such as http://user:password@proxy.example:3128'),
    )
  },
)
