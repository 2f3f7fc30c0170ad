/**
 * A coarse reason for a failed attempt, for operators and clients. Coarse on purpose, and never the receiver's own
 * text: what stands here must not describe the inside of someone's network.
 */
export function failureReason(error: (Error & { code?: string; event?: string }) | undefined): string {
  if (error === undefined) return 'connection closed'
  const code = error.code ?? ''
  return REASONS[code] ?? (code === 'ETIMEDOUT' ? timeoutReason(error.event) : fallback(code))
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'host name not found',
  EHOSTUNREACH: 'host not reachable',
  ENETUNREACH: 'host not reachable',
  EADDRNOTAVAIL: 'host not reachable',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  HPE_HEADER_OVERFLOW: 'answer headers too large',
}

function timeoutReason(phase: string | undefined): string {
  switch (phase) {
    case 'lookup':
      return 'host name look-up timed out'
    case 'connect':
      return 'connect timed out'
    case 'secureConnect':
      return 'TLS handshake timed out'
    case undefined:
      return 'connect timed out'
    default:
      return 'no answer in time'
  }
}

function fallback(code: string): string {
  if (code.startsWith('HPE_')) return 'answer is not HTTP'
  if (/CERT|SELF_SIGNED|ALTNAME|ISSUER|SIGNATURE|CHAIN/.test(code)) return 'TLS certificate not accepted'
  if (/TLS|SSL|EPROTO/.test(code)) return 'TLS failure'
  return 'connection failed'
}
