import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { endWithThisProcess } from '@timers/local-redis'

/** A built service as it runs in production, but for its log, which goes to a file. */
export interface ServiceProcess {
  readonly pid: number
  stop(): Promise<void>
}

export interface ServiceSettings {
  readonly app: 'api' | 'worker'
  /** Where its log goes. */
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  /** Answers 2xx when it is ready. */
  readonly readyUrl: string
  /** Options for node itself, such as `--cpu-prof`. */
  readonly execArgv?: readonly string[]
}

const READY_WITHIN_MS = 20_000

/** Starts `apps/<app>/dist/main.js`; resolves when it is ready. */
export async function startService({
  app,
  folder,
  env,
  readyUrl,
  execArgv = [],
}: ServiceSettings): Promise<ServiceProcess> {
  const entry = fileURLToPath(new URL(`../../../apps/${app}/dist/main.js`, import.meta.url))
  const logFile = join(folder, `${app}-${Date.now()}.log`)
  const log = openSync(logFile, 'a')
  const child = spawn(process.execPath, [...execArgv, entry], {
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      LOG_LEVEL: 'info',
      TIMERS_PARENT_IPC: '1',
      ...env,
    },
    stdio: ['ignore', log, log, 'ipc'],
  })
  closeSync(log)
  endWithThisProcess(child, 'SIGKILL')
  let ended = false
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      ended = true
      resolve()
    })
  })
  const deadline = performance.now() + READY_WITHIN_MS
  while (!(await answersOk(readyUrl))) {
    if (ended || performance.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(
        `The ${app} is not ready. The end of its log:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`,
      )
    }
    await sleep(20)
  }
  return {
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
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
