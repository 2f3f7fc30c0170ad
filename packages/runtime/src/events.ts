import {
  type Callback,
  createAddressPolicy,
  type FinalStatus,
  literalAddress,
  parseTargetUrl,
} from '@timers/core'
import { SettingsError } from './settings-error.ts'

export interface EventSettings {
  readonly EVENTS_URL?: string | undefined
  readonly EVENTS_ON: readonly FinalStatus[]
  readonly DELIVERY_ALLOW_CIDRS: readonly string[]
}

/**
 * Who is told of the end of every timer, and of which ends; undefined where nobody is.
 *
 * A URL that names its address itself is judged here, as that of a timer is when it is created: nothing would ever arrive
 * there. Names are judged when they are looked up, at the send.
 *
 * @throws SettingsError; the message never quotes the URL
 */
export function eventsOf(settings: EventSettings): Callback | undefined {
  const { EVENTS_URL: url, EVENTS_ON: on, DELIVERY_ALLOW_CIDRS: allowCidrs } = settings
  if (url === undefined) return undefined
  const address = checked('EVENTS_URL', () => literalAddress(parseTargetUrl(url)))
  const policy = checked('DELIVERY_ALLOW_CIDRS', () => createAddressPolicy({ allowCidrs }))
  if (address !== undefined && policy.check(address) !== 'allowed') {
    throw new SettingsError([
      'EVENTS_URL must not name an address that is not public, unless DELIVERY_ALLOW_CIDRS opens it',
    ])
  }
  return { url, on: [...new Set(on)] }
}

function checked<T>(name: keyof EventSettings, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new SettingsError([`${name}: ${(error as Error).message}`])
  }
}
