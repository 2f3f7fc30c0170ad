/** Why a host name has no address. `ENOTFOUND` is Node's own word for it. */
export type NameErrorCode = 'ENOTFOUND' | 'ERR_NAME_TIMEOUT' | 'ERR_NAME_FAILED'

const MESSAGES: Readonly<Record<NameErrorCode, string>> = {
  ENOTFOUND: 'the host name has no address',
  ERR_NAME_TIMEOUT: 'the look-up of the host name took too long',
  ERR_NAME_FAILED: 'the name servers could not answer',
}

/** What a look-up fails with. */
export class NameError extends Error {
  readonly code: NameErrorCode

  constructor(code: NameErrorCode, cause?: unknown) {
    super(MESSAGES[code], { cause })
    this.name = 'NameError'
    this.code = code
  }
}

const ABSENT: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME', 'ENONAME'])

/** What a failed query of node:dns means for the name. */
export function nameErrorOf(cause: unknown): NameError {
  const { code } = cause as NodeJS.ErrnoException
  if (ABSENT.has(code)) return new NameError('ENOTFOUND', cause)
  return new NameError(
    code === 'ETIMEOUT' || code === 'ECANCELLED' ? 'ERR_NAME_TIMEOUT' : 'ERR_NAME_FAILED',
    cause,
  )
}
