import { isNativeError } from 'node:util/types'

/** What may be logged of an error of Redis or its client. */
export interface ErrorFields {
  readonly error: string
  readonly code?: string
  readonly reason: string
}

/**
 * An error by its name, code and message, never whole: ioredis hangs the command with all its arguments on it, and the
 * arguments of AUTH are the password.
 */
export function errorFields(error: unknown): ErrorFields {
  if (!isNativeError(error)) return { error: typeof error, reason: 'not an error' }
  const { code } = error as NodeJS.ErrnoException
  return { error: error.name, ...(typeof code === 'string' && { code }), reason: error.message }
}
