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
 * Header values that authorize are redacted wherever a request is logged; targets are logged by origin only. Of an
 * error only what `toldError` tells.
 */
export function createLogger(options: LoggerOptions): Logger {
  const settings = {
    level: options.level,
    base: { service: options.service, pid: process.pid },
    redact: ['req.headers.authorization', 'req.headers.cookie'],
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: toldError },
  }
  return pino(settings, options.destination ?? standardOutput())
}

/**
 * What a log line holds of an error: name, message, code, stack and the same of its causes. Nothing else that libraries
 * hang on it: ioredis adds the command with all its arguments, and those of AUTH are the password.
 */
function toldError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error }
  const { name: type, message, stack, cause } = error
  const { code } = error as NodeJS.ErrnoException
  return {
    type,
    message,
    ...(code !== undefined && { code }),
    stack,
    ...(cause !== undefined && { cause: toldError(cause) }),
  }
}

/**
 * Standard output, the lines of one turn of the event loop in one write.
 *
 * Still written synchronously: only `kill -9` loses lines, those of the turn that it ends, and a reader that is gone
 * (EPIPE) cannot keep the process from ending, which the flush of an asynchronous stream at exit tries for ever to serve.
 */
function standardOutput(): { write(line: string): void } {
  const output = pino.destination({ dest: 1, sync: true })
  let lines: string[] = []
  const flush = (): void => {
    if (lines.length === 0) return
    const text = lines.join('')
    lines = []
    output.write(text)
  }
  process.on('exit', flush)
  return {
    write: (line) => {
      if (lines.length === 0) setImmediate(flush)
      lines.push(line)
    },
  }
}
