import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { endWithThisProcess } from '@timers/local-redis'

/** How long a process may take to start, or to come to what is waited for, on a machine that is busy with something else. */
const PATIENCE_MS = 30_000

export type App = 'api' | 'worker' | 'dashboard'
export type Environment = Readonly<Record<string, string | number>>

/** Absolute path of a built entry point. */
export function entryOf(app: App): string {
  return fileURLToPath(new URL(`../../../../apps/${app}/dist/main.js`, import.meta.url))
}

export interface ServiceOptions {
  /** Absolute path of the built entry point: `.../apps/worker/dist/main.js`. */
  readonly entry: string
  /** The whole environment of the process, but for PATH, NODE_ENV and TIMERS_PARENT_IPC. */
  readonly env?: Environment
  /** Options for node itself: `['--import', '...']`. */
  readonly execArgv?: readonly string[]
  /** Where its log goes instead of `logs`: whoever measures has no time to read it. */
  readonly logFile?: string | undefined
}

/** A line of the log: what pino wrote, or `{ msg }` for a line that is not JSON. */
export interface LogLine {
  readonly msg?: string
  readonly level?: number | string
  readonly [field: string]: unknown
}

export interface ServiceExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A spawned service. It ends with the test process at the latest, also when that is killed with -9. */
export interface Service {
  readonly pid: number
  /** Every line of stdout and stderr so far; empty with a `logFile`. The live list: do not change it. */
  readonly logs: readonly LogLine[]
  readonly exited: Promise<ServiceExit>
  /** Undefined while it runs. */
  readonly exit: ServiceExit | undefined
  /** Waits until `url` answers 2xx. Rejects, with the end of the log, when the process exits or the time is over. */
  ready(url: string, timeoutMs?: number): Promise<void>
  /** The first line, past or to come, that `predicate` accepts. Rejects like `ready`. */
  waitForLog(predicate: (line: LogLine) => boolean, timeoutMs?: number): Promise<LogLine>
  /** Sends a signal that ends it (default SIGTERM) and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<ServiceExit>
  /** Sends a signal and waits for nothing: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void
}

/** Starts a built service as a process of its own. */
export function spawnService(options: ServiceOptions): Service {
  const name = basename(dirname(dirname(options.entry)))
  const { logFile } = options
  const output = logFile === undefined ? 'pipe' : openSync(logFile, 'a')
  const child = spawn(process.execPath, [...(options.execArgv ?? []), options.entry], {
    env: {
      PATH: process.env.PATH,
      NODE_ENV: process.env.NODE_ENV,
      // The services stop when this channel closes: no orphans, even if the tests are killed.
      TIMERS_PARENT_IPC: '1',
      ...Object.fromEntries(Object.entries(options.env ?? {}).map(([key, value]) => [key, String(value)])),
    },
    stdio: ['ignore', output, output, 'ipc'],
  })
  if (output !== 'pipe') closeSync(output)
  endWithThisProcess(child, 'SIGKILL')
  child.channel?.unref()

  const logs: LogLine[] = []
  const listeners = new Set<() => void>()
  let exit: ServiceExit | undefined
  const changed = (): void => {
    for (const listener of listeners) listener()
  }
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue
    createInterface({ input: stream }).on('line', (line) => {
      logs.push(parseLine(line))
      changed()
    })
  }
  const exited = new Promise<ServiceExit>((resolve) => {
    const settle = (end: ServiceExit): void => {
      exit = end
      resolve(end)
      changed()
    }
    child.once('error', (error) => {
      logs.push({ msg: error.message })
      settle({ code: null, signal: null })
    })
    // 'close' comes after the last line of the log, unlike 'exit'.
    child.once('close', (code, signal) => settle({ code, signal }))
  })
  const complaint = (what: string): Error => {
    const lines =
      logFile === undefined
        ? logs.map((line) => JSON.stringify(line))
        : readFileSync(logFile, 'utf8').trim().split('\n')
    return new Error(`The ${name} ${what}. The end of its log:\n${lines.slice(-20).join('\n')}`)
  }
  const endedError = (): Error =>
    complaint(`ended with ${exit?.code ?? exit?.signal} while a test waited for it`)

  return {
    pid: child.pid ?? 0,
    logs,
    exited,
    get exit() {
      return exit
    },
    ready: async (url, timeoutMs = PATIENCE_MS) => {
      const deadline = performance.now() + timeoutMs
      while (!(await answersOk(url))) {
        if (exit !== undefined) throw endedError()
        if (performance.now() > deadline) throw complaint(`was not ready at ${url} within ${timeoutMs} ms`)
        await Promise.race([sleep(25), exited])
      }
    },
    waitForLog: (predicate, timeoutMs = PATIENCE_MS) =>
      new Promise((resolve, reject) => {
        let seen = 0
        const finish = (settle: () => void): void => {
          clearTimeout(timer)
          listeners.delete(check)
          settle()
        }
        const check = (): void => {
          for (; seen < logs.length; seen++) {
            const line = logs[seen]
            if (line === undefined || !predicate(line)) continue
            finish(() => resolve(line))
            return
          }
          if (exit !== undefined) finish(() => reject(endedError()))
        }
        const timer = setTimeout(
          () => finish(() => reject(complaint(`did not log what a test waited ${timeoutMs} ms for`))),
          timeoutMs,
        )
        listeners.add(check)
        check()
      }),
    kill: (signal = 'SIGTERM') => {
      child.kill(signal)
      return exited
    },
    signal: (signal) => void child.kill(signal),
  }
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}

function parseLine(line: string): LogLine {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) return value as LogLine
  } catch {
    // Not pino's: a stack trace of node, say.
  }
  return { msg: line }
}
