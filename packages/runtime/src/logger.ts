import { type Logger, pino } from 'pino'

export type { Logger }

export interface LoggerOptions {
  /** Name of the service, on every line. */
  readonly service: string
  readonly level: string
  /** Where lines go instead of standard output: tests read them. */
  readonly destination?: { write(line: string): void }
}

/**
 * The process's logger: JSON lines on standard output.
 *
 * Header values that authorize are redacted wherever a request is logged; targets are logged by origin only.
 */
export function createLogger(options: LoggerOptions): Logger {
  const settings = {
    level: options.level,
    base: { service: options.service, pid: process.pid },
    redact: ['req.headers.authorization', 'req.headers.cookie', '*.password', '*.secret'],
    timestamp: pino.stdTimeFunctions.isoTime,
  }
  // Synchronous: lines survive a crash, and a reader that is gone (EPIPE) cannot keep the process from ending, which
  // the flush of a buffered stream at exit tries for ever to serve.
  return pino(settings, options.destination ?? pino.destination({ dest: 1, sync: true }))
}
