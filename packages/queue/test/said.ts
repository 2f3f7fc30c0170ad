import type { Log } from '@timers/core'

/** A line of the log. */
export interface Said {
  readonly level: keyof Log
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** A log that adds its lines to `said`. */
export function logInto(said: Said[]): Log {
  const at = (level: keyof Log) => (fields: object, message: string) => {
    said.push({ level, message, fields: { ...fields } })
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
