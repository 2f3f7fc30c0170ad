import { setTimeout as sleep } from 'node:timers/promises'
import { type Environment, entryOf, type LogLine, type Service, spawnService } from '@timers/lab'
import type { FaultRun } from './broken.ts'
import type { Slot } from './fault-plan.ts'

/** What came of a fault. */
export type FaultOutcome = Pick<FaultRun, 'note' | 'exitCode' | 'shards'> & {
  /** Nothing was done: too much was broken already. */
  readonly isLeftOut?: boolean
}

/** Longer than any orderly stop may take: SHUTDOWN_TIMEOUT_MS and a little. */
const STOP_WITHIN_MS = 15_000
const START_AGAIN_AFTER_MS = 1_000

/** The place of one process: it is started here, ended here, and started again here. */
export class ServiceSlot {
  readonly name: Slot
  /** Where it listens while it runs. */
  readonly url: string
  /** Ends that nobody here asked for. */
  readonly crashes: string[] = []
  /** Lines of all processes of this place. */
  readonly logs: LogLine[] = []
  /** How stops in order ended. */
  readonly stops: { code: number | null; tookMs: number }[] = []
  readonly #env: Environment
  readonly #execArgv: readonly string[]
  #service: Service | undefined

  constructor(name: Slot, url: string, env: Environment, execArgv: readonly string[]) {
    this.name = name
    this.url = url
    this.#env = env
    this.#execArgv = execArgv
  }

  /** Starts a process, and waits for nothing. */
  start(): void {
    const entry = entryOf(this.name.startsWith('api') ? 'api' : 'worker')
    const service = spawnService({ entry, env: this.#env, execArgv: this.#execArgv })
    this.#service = service
    void service.exited.then(async ({ code, signal }) => {
      this.#keep(service)
      if (this.#service !== service) return
      this.#leave()
      this.crashes.push(
        `${this.name} ended with ${code ?? signal} at ${new Date().toISOString()}: ${JSON.stringify(service.logs.slice(-3))}`,
      )
      await sleep(START_AGAIN_AFTER_MS)
      if (this.#service === undefined) this.start()
    })
  }

  async killFor(ms: number): Promise<void> {
    const service = this.#leave()
    await service?.kill('SIGKILL')
    await sleep(ms)
    this.start()
  }

  /** SIGTERM; the next process comes when the stop is over, and not before `ms`. */
  async stopFor(ms: number): Promise<FaultOutcome> {
    const { exitCode, tookMs } = await this.stop()
    await sleep(Math.max(0, ms - tookMs))
    this.start()
    return { note: `exit code ${exitCode} after ${tookMs} ms`, exitCode }
  }

  /** SIGTERM, and no next process. */
  async stop(): Promise<{ readonly exitCode: number | null; readonly tookMs: number }> {
    const service = this.#leave()
    const startedAt = performance.now()
    const end = await Promise.race([
      service?.kill('SIGTERM'),
      sleep(STOP_WITHIN_MS, undefined, { ref: false }),
    ])
    const tookMs = Math.round(performance.now() - startedAt)
    if (end === undefined) {
      await service?.kill('SIGKILL')
      this.crashes.push(
        `${this.name} did not stop within ${STOP_WITHIN_MS} ms at ${new Date().toISOString()}`,
      )
    } else {
      this.stops.push({ code: end.code, tookMs })
    }
    return { exitCode: end?.code ?? null, tookMs }
  }

  async pauseFor(ms: number): Promise<void> {
    const service = this.#service
    service?.signal('SIGSTOP')
    await sleep(ms)
    service?.signal('SIGCONT')
  }

  async close(): Promise<void> {
    await this.#leave()?.kill('SIGKILL')
  }

  /** Its end is no crash from here on. */
  #leave(): Service | undefined {
    const service = this.#service
    this.#service = undefined
    return service
  }

  #keep({ logs, pid }: Service): void {
    for (const line of logs) this.logs.push({ ...line, pid })
  }
}
