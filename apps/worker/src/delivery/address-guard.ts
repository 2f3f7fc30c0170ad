import type { LookupAddress, LookupOptions } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { type AddressPolicy, createAddressPolicy } from '@timers/core'
import { Names } from './names/names.ts'

/** Resolves a host name to all of its addresses, as `dns.lookup` does with `all: true`. */
export type Resolve = (
  hostname: string,
  options: LookupOptions & { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** The address policy at the place where connections are made. */
export interface AddressGuard extends AddressPolicy {
  /**
   * Resolves a host name for a connection that is about to be made, and refuses it whole where any of its addresses
   * may not be called. The addresses that were judged are the ones that are connected to: there is no second look-up
   * that could tell another story (DNS rebinding). What is remembered of an earlier look-up is judged anew.
   */
  readonly lookup: LookupFunction
}

export const ADDRESS_BLOCKED = 'ERR_ADDRESS_BLOCKED'

/** What a connection fails with when its address may not be called. Does not tell the address. */
export class AddressBlockedError extends Error {
  readonly code = ADDRESS_BLOCKED

  constructor() {
    super('the address may not be called')
    this.name = 'AddressBlockedError'
  }
}

export interface AddressGuardOptions {
  /** Networks that may be called although they are not public. */
  readonly allowCidrs: readonly string[]
  /** Default: as the system's files say, with nothing remembered that others have found. */
  readonly resolve?: Resolve
}

/** @throws RangeError where a CIDR is none */
export function createAddressGuard(options: AddressGuardOptions): AddressGuard {
  const policy = createAddressPolicy(options)
  const resolve = options.resolve ?? new Names().lookup
  return {
    check: policy.check,
    lookup(hostname, lookupOptions, callback) {
      resolve(hostname, { ...lookupOptions, all: true }, (error, addresses) => {
        const [first] = addresses ?? []
        if (error !== null) callback(error, '')
        else if (first === undefined) callback(notFound(hostname), '')
        else if (addresses.some(({ address }) => policy.check(address) !== 'allowed')) {
          callback(new AddressBlockedError(), '')
        } else if (lookupOptions.all === true) callback(null, addresses)
        else callback(null, first.address, first.family)
      })
    },
  }
}

function notFound(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`no address for ${hostname}`), { code: 'ENOTFOUND' })
}
