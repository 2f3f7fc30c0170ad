import { eventually, stablePort } from '@timers/lab'
import type { Resolve } from '../src/delivery/address-guard.ts'
import { type Certificate, httpAnswer, makeCertificate, startFullBacklog } from './faulty-receivers.ts'
import {
  ambiguous,
  cleanups,
  client,
  delivered,
  type Fate,
  fateOf,
  neverSent,
  receiver,
  rejected,
} from './outcomes-bed.ts'

describe('no connection', () => {
  test('refused', async () => {
    const port = await stablePort()
    expect(await fateOf(client(), `http://127.0.0.1:${port}`)).toEqual(neverSent('connection refused'))
  })

  test('unknown host', async () => {
    const resolve: Resolve = (_host, _options, done) =>
      setImmediate(() => done(Object.assign(new Error('no such host'), { code: 'ENOTFOUND' }), []))
    expect(await fateOf(client({ resolve }), 'http://nowhere.test')).toEqual(neverSent('host name not found'))
  })

  test('a resolver that never answers', async () => {
    const fate = await fateOf(client({ resolve: () => {} }), 'http://nowhere.test')
    expect(fate).toEqual(neverSent('host name look-up timed out'))
  })

  test('connect time-out', async () => {
    const full = await startFullBacklog()
    cleanups.push(full.close)
    expect(await fateOf(client(), `http://127.0.0.1:${full.port}`)).toEqual(neverSent('connect timed out'))
  })
})

describe('TLS', () => {
  let trusted: Certificate
  let misnamed: Certificate

  beforeAll(async () => {
    trusted = await makeCertificate('127.0.0.1')
    misnamed = await makeCertificate('another.test')
  })

  test('to a plain port', async () => {
    const plain = await receiver({ onConnection: (socket) => socket.write('220 smtp.example ESMTP\r\n') })
    const fate = await fateOf(client(), `https://127.0.0.1:${plain.port}`, plain)
    expect(fate).toEqual(neverSent('TLS failure'))
    await eventually(() => expect(plain.open).toBe(0))
  })

  test('untrusted certificate', async () => {
    const secure = await receiver({ tls: trusted })
    const fate = await fateOf(client(), `https://127.0.0.1:${secure.port}`, secure)
    expect(fate).toEqual(neverSent('TLS certificate not accepted'))
    await eventually(() => expect(secure.open).toBe(0))
  })

  test('wrong host name', async () => {
    const secure = await receiver({ tls: misnamed })
    const fate = await fateOf(client({ ca: misnamed.cert }), `https://127.0.0.1:${secure.port}`, secure)
    expect(fate).toEqual(neverSent('TLS certificate not accepted'))
    await eventually(() => expect(secure.open).toBe(0))
  })

  test('a handshake that is never answered', async () => {
    const mute = await receiver({})
    const fate = await fateOf(client(), `https://127.0.0.1:${mute.port}`, mute)
    expect(fate).toEqual(neverSent('TLS handshake timed out'))
    await eventually(() => expect(mute.open).toBe(0))
  })

  test('a handshake that is cut off', async () => {
    const rude = await receiver({
      onConnection: (socket) => socket.once('data', () => socket.resetAndDestroy()),
    })
    const fate = await fateOf(client(), `https://127.0.0.1:${rude.port}`, rude)
    expect(fate).toEqual(neverSent('connection reset'))
  })

  test('a good certificate', async () => {
    const secure = await receiver({ tls: trusted, onRequest: (socket) => socket.write(httpAnswer(200)) })
    const fate = await fateOf(client({ ca: trusted.cert }), `https://127.0.0.1:${secure.port}`, secure)
    expect(fate).toEqual(delivered())
  })

  test('request read, then reset, behind TLS', async () => {
    const secure = await receiver({ tls: trusted, onRequest: (socket) => socket.destroy() })
    const fate = await fateOf(client({ ca: trusted.cert }), `https://127.0.0.1:${secure.port}`, secure)
    expect(fate).toEqual(ambiguous('connection reset'))
  })
})

describe('an answer', () => {
  const answers: readonly Fate[] = [
    delivered(200),
    delivered(201),
    delivered(204),
    rejected(301, 'failed'),
    rejected(302, 'failed'),
    rejected(303, 'failed'),
    rejected(307, 'failed'),
    rejected(308, 'failed'),
    rejected(400, 'failed'),
    rejected(404, 'failed'),
    rejected(408, 'retry'),
    rejected(410, 'failed'),
    rejected(425, 'retry'),
    rejected(429, 'retry'),
    rejected(500, 'retry'),
    rejected(503, 'retry'),
  ]
  test.each(answers)('$responseStatus', async (fate) => {
    const polite = await receiver({
      onRequest: (socket) =>
        socket.write(
          httpAnswer(fate.responseStatus ?? 0, { location: `http://127.0.0.1:${polite.port}/inside` }),
        ),
    })
    const sender = client()
    expect(await fateOf(sender, `http://127.0.0.1:${polite.port}/hook`, polite)).toEqual(fate)
    sender.close()
    await eventually(() => expect(polite.open).toBe(0))
    expect(polite.requests).toBe(1)
  })

  test.each([
    ['120', 120_000],
    ['soon', undefined],
    ['Fri, 31 Dec 1999 23:59:59 GMT', 0],
  ])('503 with Retry-After: %s', async (header, expected) => {
    const busy = await receiver({
      onRequest: (socket) => socket.write(httpAnswer(503, { 'Retry-After': header })),
    })
    const result = await client().send({ id: 1, url: `http://127.0.0.1:${busy.port}`, attempt: 1 })
    expect(result.retryAfterMs).toBe(expected)
  })
})
