import { createHmac, createSecretKey } from 'node:crypto'

const PREFIX = 'whsec_'
/**
 * `whsec_` and 24 to 64 bytes in base64: 8 to 21 groups of four characters and what is left of up to two bytes, but
 * not more than 64 bytes in all. The shape that a setting is checked against.
 */
export const SECRET_PATTERN =
  '^whsec_(([A-Za-z0-9+/]{4}){8,21}|([A-Za-z0-9+/]{4}){8,21}[A-Za-z0-9+/]{2}==|([A-Za-z0-9+/]{4}){8,20}[A-Za-z0-9+/]{3}=)$'

/** Signs webhooks as Standard Webhooks 1.0.0 asks. */
export interface Signer {
  /**
   * The value of `webhook-signature`: one signature for each secret, separated by spaces, so that a receiver can go
   * from one secret to the next. Undefined where there is no secret.
   *
   * @param id the value of `webhook-id`
   * @param timestamp the value of `webhook-timestamp`, in seconds
   * @param body exactly as it is sent
   */
  sign(id: string, timestamp: number, body: string): string | undefined
}

/**
 * Prepares the keys once. The secrets themselves are kept nowhere else, and appear in no error.
 *
 * @throws RangeError where a secret is none; the message tells which by its place
 */
export function createSigner(secrets: readonly string[]): Signer {
  const pattern = new RegExp(SECRET_PATTERN)
  const keys = secrets.map((secret, index) => {
    if (!pattern.test(secret)) throw new RangeError(`entry ${index + 1} is not a secret`)
    return createSecretKey(secret.slice(PREFIX.length), 'base64')
  })
  return {
    sign(id, timestamp, body) {
      if (keys.length === 0) return undefined
      const signed = `${id}.${timestamp}.${body}`
      return keys.map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`).join(' ')
    },
  }
}
