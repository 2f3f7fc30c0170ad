import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'
import { createSigner, SECRET_PATTERN } from './signature.ts'

const secretOf = (bytes: number): string => `whsec_${randomBytes(bytes).toString('base64')}`
const now = (): number => Math.floor(Date.now() / 1_000)

const headersOf = (id: string, timestamp: number, signature: string | undefined) => ({
  'webhook-id': id,
  'webhook-timestamp': String(timestamp),
  'webhook-signature': signature ?? '',
})

describe('the signature', () => {
  test('is accepted by the package standardwebhooks, for any secret and body', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 24, maxLength: 64 }),
        fc.json(),
        fc.nat({ max: 1_000_000 }),
        (key, body, id) => {
          const secret = `whsec_${Buffer.from(key).toString('base64')}`
          const timestamp = now()
          const signature = createSigner([secret]).sign(`timer_${id}`, timestamp, body)
          expect(new Webhook(secret).sign(`timer_${id}`, new Date(timestamp * 1_000), body)).toBe(signature)
          expect(new Webhook(secret).verify(body, headersOf(`timer_${id}`, timestamp, signature))).toEqual(
            JSON.parse(body),
          )
        },
      ),
    )
  })

  test('covers the id, the time and the body', () => {
    const secret = secretOf(32)
    const timestamp = now()
    const signature = createSigner([secret]).sign('timer_1', timestamp, '{"a":1}')
    const verify = (body: string, id: string, at: number) => () =>
      new Webhook(secret).verify(body, headersOf(id, at, signature))
    expect(verify('{"a":1}', 'timer_1', timestamp)).not.toThrow()
    expect(verify('{"a":2}', 'timer_1', timestamp)).toThrow(WebhookVerificationError)
    expect(verify('{"a":1}', 'timer_2', timestamp)).toThrow(WebhookVerificationError)
    expect(verify('{"a":1}', 'timer_1', timestamp + 1)).toThrow(WebhookVerificationError)
  })

  test('is there for each of several secrets, so that a receiver may know any one of them', () => {
    const [older, newer, foreign] = [secretOf(24), secretOf(64), secretOf(32)]
    const timestamp = now()
    const signature = createSigner([newer, older]).sign('timer_5', timestamp, '{}')
    const headers = headersOf('timer_5', timestamp, signature)
    expect(signature?.split(' ')).toHaveLength(2)
    expect(new Webhook(older).verify('{}', headers)).toEqual({})
    expect(new Webhook(newer).verify('{}', headers)).toEqual({})
    expect(() => new Webhook(foreign).verify('{}', headers)).toThrow(WebhookVerificationError)
  })

  test('is not there without a secret', () => {
    expect(createSigner([]).sign('timer_1', now(), '')).toBeUndefined()
  })
})

describe('a secret', () => {
  test('is whsec_ and 24 to 64 bytes in base64, no more and no less', () => {
    for (let bytes = 0; bytes <= 100; bytes += 1) {
      const accepted = new RegExp(SECRET_PATTERN).test(secretOf(bytes))
      expect([bytes, accepted]).toEqual([bytes, bytes >= 24 && bytes <= 64])
    }
  })

  test.each([
    ['', ''],
    ['no prefix', randomBytes(32).toString('base64')],
    ['another prefix', `whsk_${randomBytes(32).toString('base64')}`],
    ['no padding', secretOf(32).replace(/=+$/, '')],
    ['URL-safe letters', `whsec_${'-_'.repeat(16)}`],
    ['a line end', `${secretOf(24)}\n`],
  ])('is refused, and not quoted: %s', (_why, wrong) => {
    expect(() => createSigner([secretOf(32), wrong])).toThrow(new RangeError('entry 2 is not a secret'))
  })
})
