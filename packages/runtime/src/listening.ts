import { SettingsError } from './settings-error.ts'

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another process: stop that one, or set another port',
  EACCES: 'may not be used by this user: set a port of at least 1024',
}

/**
 * Runs `listen`, and turns a port that cannot be had into a settings error that names the variable to change.
 *
 * @throws SettingsError, or whatever else `listen` throws
 */
export async function listening<T>(variable: string, port: number, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen()
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
      throw new SettingsError(['HOST must be an address of this machine, such as 0.0.0.0 or 127.0.0.1'])
    }
    const reason = REASONS[code]
    throw reason === undefined ? error : new SettingsError([`${variable} ${port} ${reason}`])
  }
}
