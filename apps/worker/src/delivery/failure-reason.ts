import { ADDRESS_BLOCKED } from './address-guard.ts'

/** Where in its life an attempt was, for what is told of a timeout. */
export type Phase = 'lookup' | 'connect' | 'handshake' | 'answer'

/**
 * A coarse reason for a failed attempt, for operators and clients. Coarse on purpose, and never the receiver's own
 * text: what stands here must not describe the inside of someone's network.
 */
export function failureReason(error: (Error & { readonly code?: string }) | undefined): string {
  if (error === undefined) return 'connection closed'
  const code = error.code ?? ''
  return REASONS.get(code) ?? fallback(code)
}

const REASONS: ReadonlyMap<string, string> = new Map([
  [ADDRESS_BLOCKED, 'address not allowed'],
  ['ERR_PROXY', 'no connection through the proxy'],
  ['ECONNREFUSED', 'connection refused'],
  ['ENOTFOUND', 'host name not found'],
  ['ERR_NAME_TIMEOUT', 'host name look-up timed out'],
  ['ERR_NAME_FAILED', 'host name look-up failed'],
  ['EHOSTUNREACH', 'host not reachable'],
  ['ENETUNREACH', 'host not reachable'],
  ['EADDRNOTAVAIL', 'host not reachable'],
  ['ETIMEDOUT', 'connect timed out'],
  ['ECONNRESET', 'connection reset'],
  ['EPIPE', 'connection reset'],
  ['HPE_HEADER_OVERFLOW', 'answer headers too large'],
])

/** The reason for an attempt that ran out of time in a phase. */
export function timeoutReason(phase: Phase): string {
  return TIMEOUTS[phase]
}

const TIMEOUTS: Readonly<Record<Phase, string>> = {
  lookup: 'host name look-up timed out',
  connect: 'connect timed out',
  handshake: 'TLS handshake timed out',
  answer: 'no answer in time',
}

function fallback(code: string): string {
  if (code.startsWith('HPE_')) return 'answer is not HTTP'
  if (/CERT|SELF_SIGNED|ALTNAME|ISSUER|SIGNATURE|CHAIN/.test(code)) return 'TLS certificate not accepted'
  if (/TLS|SSL|EPROTO/.test(code)) return 'TLS failure'
  return 'connection failed'
}
