import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Blocks the event loop of a node process from outside, for as long as a test likes.
 *
 * The process runs with `execArgv`, which preloads a module that looks for a file and sleeps, synchronously, while it
 * is there.
 */
export class Blockage {
  readonly #folder = mkdtempSync(join(tmpdir(), 'timers-blockage-'))
  readonly #file = join(this.#folder, 'blocked')

  get execArgv(): readonly string[] {
    const source = `
      import { existsSync } from 'node:fs'
      const cell = new Int32Array(new SharedArrayBuffer(4))
      const sleepWhileBlocked = () => {
        while (existsSync(${JSON.stringify(this.#file)})) Atomics.wait(cell, 0, 0, 20)
      }
      setInterval(sleepWhileBlocked, 5).unref()
    `
    return ['--import', `data:text/javascript,${encodeURIComponent(source)}`]
  }

  begin(): void {
    writeFileSync(this.#file, '')
  }

  end(): void {
    rmSync(this.#file, { force: true })
  }

  /** Removes what it left on disk, which also ends it. */
  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
