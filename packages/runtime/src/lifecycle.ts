import closeWithGrace from 'close-with-grace'
import type { Logger } from './logger.ts'
import { SettingsError } from './settings-error.ts'

/** What a process does from its first line to its last. */
export interface Service {
  /** Begins the work. Resolves when the service does what it is for, or waits for Redis to come. */
  start(): Promise<void>
  /** Takes nothing new, finishes what is in flight, closes what it opened. */
  stop(): Promise<void>
  /** Resolves with the cause when the service finds that it cannot go on. */
  readonly failed?: Promise<Error>
}

export interface RunOptions {
  readonly logger: Logger
  /** Longest time `stop` may take, in milliseconds; then the process exits with 1. */
  readonly shutdownTimeoutMs: number
}

/**
 * Runs a service until SIGTERM, SIGINT or a fault, and ends the process: 0 after an orderly stop, 1 after a fault or
 * when the stop took too long. A second signal exits at once.
 *
 * Under `npm start` (`TIMERS_PARENT_IPC=1`) the service also stops when its parent is gone, so that nothing is left
 * behind.
 */
export async function runService(service: Service, options: RunOptions): Promise<void> {
  const { logger } = options
  let fault: unknown
  let stopping = false
  const grace = closeWithGrace(
    {
      delay: options.shutdownTimeoutMs,
      logger: false,
      onSecondSignal: (signal) => logger.warn({ signal }, 'second signal, exiting at once'),
      onTimeout: (delay) =>
        logger.error({ timeoutMs: delay }, 'stopping took too long, exiting with work in flight'),
    },
    async ({ err, signal }) => {
      stopping = true
      fault ??= err
      if (err) logger.fatal({ err }, 'stopping after a fault')
      else logger.info({ signal }, 'stopping')
      await service.stop()
      logger.info('stopped')
      // close-with-grace turns what is thrown here into exit code 1.
      if (fault !== undefined) throw fault
    },
  )
  // Once only: close-with-grace would run everything again.
  const stop = (): void => {
    if (!stopping) grace.close()
  }
  const fail = (error: unknown): void => {
    fault = error
    // A wrong setting is told like one: in words, without a stack trace.
    if (error instanceof SettingsError) logger.fatal(error.message)
    else logger.fatal({ err: error }, error instanceof Error ? error.message : 'fault')
    stop()
  }
  if (process.env.TIMERS_PARENT_IPC === '1' && process.send !== undefined) {
    process.once('disconnect', stop)
    process.channel?.unref()
  }
  service.failed?.then(fail)
  try {
    await service.start()
  } catch (error) {
    // A start that is cut short by a stop is no fault.
    if (!stopping) fail(error)
  }
}

/** Runs `main` and turns wrong settings into a message and exit code 1, without a stack trace. */
export async function bootstrap(main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    process.stderr.write(`${error instanceof SettingsError ? error.message : (error as Error).stack}\n`)
    process.exitCode = 1
  }
}
