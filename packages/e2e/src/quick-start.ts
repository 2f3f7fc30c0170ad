import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { eventually } from '@timers/lab'
import { endWithThisProcess } from '@timers/local-redis'

const SCRIPT = fileURLToPath(new URL('../../../scripts/start.mjs', import.meta.url))

export interface QuickStartOptions {
  readonly dataDir: string
  readonly apiPort: number
  readonly dashboardPort: number
  /** Words of its command line. */
  readonly args?: readonly string[]
}

/** `npm start`, as a person at a terminal has it: what it prints, and Ctrl-C. */
export class QuickStart {
  readonly exited: Promise<number | null>
  readonly #child: ReturnType<typeof spawn>
  readonly #dataDir: string
  readonly #lines: string[] = []
  #ended = false

  constructor({ dataDir, apiPort, dashboardPort, args = [] }: QuickStartOptions) {
    this.#dataDir = dataDir
    // Jest's own options are not for it.
    const { NODE_OPTIONS: _, REDIS_URL: __, ...env } = process.env
    const child = spawn(process.execPath, [SCRIPT, ...args], {
      env: {
        ...env,
        TIMERS_DATA_DIR: dataDir,
        PORT: String(apiPort),
        DASHBOARD_PORT: String(dashboardPort),
        LOG_LEVEL: 'info',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    // SIGTERM, so that it stops what it has started.
    endWithThisProcess(child, 'SIGTERM')
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => this.#lines.push(line))
    }
    this.exited = new Promise((resolve) => {
      child.once('close', (code) => {
        this.#ended = true
        resolve(code)
      })
    })
  }

  /** All that it printed so far. */
  get output(): string {
    return this.#lines.join('\n')
  }

  /** Waits until it says that it runs. */
  async running(): Promise<void> {
    await eventually(
      () => {
        if (this.output.includes('Timers is running.')) return
        throw new Error(
          `${this.#ended ? 'npm start has ended' : 'it does not run'}. It printed:\n${this.output}`,
        )
      },
      { timeoutMs: 60_000, intervalMs: 20 },
    )
  }

  /** Ctrl-C; resolves with the exit code. */
  interrupt(): Promise<number | null> {
    this.#child.kill('SIGINT')
    return this.exited
  }

  /** Ends it if it still runs. */
  async close(): Promise<void> {
    if (!this.#ended) this.#child.kill('SIGTERM')
    await this.exited
  }

  /** Pids of every Redis and of the services, by their own accounts. */
  pids(): number[] {
    const logs = join(this.#dataDir, 'logs')
    const services = readdirSync(logs)
      .filter((name) => !name.includes('previous'))
      .map((name) => JSON.parse(readFileSync(join(logs, name), 'utf8').split('\n')[0] ?? '').pid)
    const nodes = join(this.#dataDir, 'redis-cluster')
    const folders = [
      join(this.#dataDir, 'redis'),
      ...(existsSync(nodes) ? readdirSync(nodes).map((name) => join(nodes, name)) : []),
    ]
    const claims = folders.map((folder) => join(folder, 'redis.json')).filter(existsSync)
    return [...services, ...claims.map((claim) => JSON.parse(readFileSync(claim, 'utf8')).pid)]
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
