import { type AddressPolicy, literalAddress } from './address-policy.ts'
import { TimerError } from './errors.ts'
import { parseTargetUrl } from './target-url.ts'

/**
 * A URL that may be called, as it was written. One that names its address itself is judged at once: the client can still
 * put it right.
 *
 * @throws TimerError `INVALID_URL`
 */
export function allowedTarget(text: string, policy: AddressPolicy): string {
  const address = literalAddress(parseTargetUrl(text))
  if (address !== undefined && policy.check(address) !== 'allowed') {
    throw new TimerError('INVALID_URL', 'url must not name an address that is not public', { field: 'url' })
  }
  return text
}
