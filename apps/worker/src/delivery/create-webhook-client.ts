import type { Log } from '@timers/core'
import { SettingsError } from '@timers/runtime'
import type { WorkerSettings } from '../settings.ts'
import { createAddressGuard } from './address-guard.ts'
import { type ClosableWebhookClient, createGotWebhookClient } from './got-webhook-client.ts'
import type { NameFiles } from './names/name-settings.ts'
import { Names } from './names/names.ts'
import { parseProxy } from './proxy-tunnel.ts'
import { createSigner } from './signature.ts'

const USER_AGENT = 'timers/0.1 (webhook timer service)'

type DeliverySettings = Pick<
  WorkerSettings,
  'WEBHOOK_TIMEOUT_MS' | 'DELIVERY_ALLOW_CIDRS' | 'DELIVERY_PROXY_URL' | 'WEBHOOK_SECRETS'
>

export interface DeliveryDeps {
  /** Where it is said how host names are looked up. Default: the system's files. */
  readonly nameFiles?: NameFiles | undefined
}

/**
 * The client as the settings want it.
 *
 * @throws SettingsError with all that is wrong in them, by name and never by value
 */
export function createWebhookClient(
  settings: DeliverySettings,
  deps: DeliveryDeps = {},
): ClosableWebhookClient {
  const problems: string[] = []
  const checked = <T>(name: keyof DeliverySettings, make: () => T): T | undefined => {
    try {
      return make()
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`)
      return undefined
    }
  }
  const proxyUrl = settings.DELIVERY_PROXY_URL
  const proxy = proxyUrl === undefined ? undefined : checked('DELIVERY_PROXY_URL', () => parseProxy(proxyUrl))
  const signer = checked('WEBHOOK_SECRETS', () => createSigner(settings.WEBHOOK_SECRETS))
  const names = new Names({ files: deps.nameFiles })
  const guard = checked('DELIVERY_ALLOW_CIDRS', () =>
    createAddressGuard({ allowCidrs: settings.DELIVERY_ALLOW_CIDRS, resolve: names.lookup }),
  )
  if (guard === undefined || signer === undefined || problems.length > 0) throw new SettingsError(problems)
  const client = createGotWebhookClient({
    timeoutMs: settings.WEBHOOK_TIMEOUT_MS,
    userAgent: USER_AGENT,
    guard,
    signer,
    proxy,
  })
  return {
    send: client.send,
    close() {
      client.close()
      names.close()
    },
  }
}

/** Says at the start, loudly, where webhooks may go beside the public internet. Names no secret. */
export function announceDelivery(settings: DeliverySettings, log: Log): void {
  const { DELIVERY_ALLOW_CIDRS: allowCidrs, DELIVERY_PROXY_URL: proxyUrl } = settings
  if (allowCidrs.length > 0) {
    log.warn(
      { allowCidrs },
      'DELIVERY_ALLOW_CIDRS opens networks that are not public: whoever may create timers can send requests into them',
    )
  }
  if (proxyUrl !== undefined) {
    log.warn(
      { proxy: parseProxy(proxyUrl).origin },
      'all webhooks go through the proxy of DELIVERY_PROXY_URL: it alone decides which host names may be reached',
    )
  }
}
