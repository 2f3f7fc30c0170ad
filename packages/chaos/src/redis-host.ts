import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stablePort, startTestRedis, type TestRedis } from '@timers/lab'
import { markAof } from './aof-tail.ts'
import { type DataDisk, openDataDisk } from './data-disk.ts'
import { OUT_OF_MEMORY, roomLeft } from './node-troubles.ts'
import { killAndCutTail } from './torn-kill.ts'

/** Rewrite the AOF early and often: runs are short. */
export const EXTRA_ARGS = ['--auto-aof-rewrite-min-size', '4mb']
const BYTES_TO_START_WITH = 256 * 2 ** 20
const BYTES_A_MINUTE = 16 * 2 ** 20
const COMMAND_TIMEOUT_MS = 5_000

/** All that can happen to the Redis of the experiment. */
export class RedisHost {
  readonly server: TestRedis
  /** Ends of the server that nobody here asked for, told when they happen. */
  readonly crashes: string[]
  readonly #disk: DataDisk

  private constructor(server: TestRedis, disk: DataDisk, crashes: string[]) {
    this.server = server
    this.#disk = disk
    this.crashes = crashes
  }

  static async start(minutes: number): Promise<RedisHost> {
    const disk = await openDataDisk(BYTES_TO_START_WITH + Math.ceil(minutes) * BYTES_A_MINUTE)
    const crashes: string[] = []
    try {
      const server = await startTestRedis({
        dataDir: disk.folder,
        port: await stablePort(),
        extraArgs: EXTRA_ARGS,
        commandTimeoutMs: COMMAND_TIMEOUT_MS,
        onCrash: (what) => {
          crashes.push(what)
          server.restart().catch((error: Error) => crashes.push(error.message))
        },
      })
      return new RedisHost(server, disk, crashes)
    } catch (error) {
      await disk.close()
      throw error
    }
  }

  /** kill -9, and the same Redis again on the same data. */
  async killFor(ms: number): Promise<void> {
    await this.server.kill()
    await sleep(ms)
    await this.server.restart()
  }

  /** The same, with the AOF cut short in between. */
  async killAndCutTailFor(
    ms: number,
    dice: number,
    holdReplies?: () => Promise<() => Promise<void>>,
  ): Promise<string> {
    const { server } = this
    const redis = {
      dataDir: this.#disk.folder,
      kill: () => server.kill(),
      start: () => server.restart(),
    }
    return killAndCutTail(redis, { ms, dice, ...(holdReplies && { holdReplies }) })
  }

  /** The disk runs full. With `appendfsync always` Redis ends itself; it is started again when there is room. */
  async fillDiskFor(ms: number, dice: number): Promise<string> {
    const { pid } = this.server
    const { way } = this.#disk
    if (pid === undefined || way === undefined) return 'not possible here'
    const until = performance.now() + ms
    const { file } = await markAof(this.#disk.folder)
    this.server.mayEnd = true
    try {
      const { exited } = this.server
      await this.#disk.fill(roomLeft(dice), pid, file)
      const ended = await Promise.race([exited, sleep(ms, undefined, { ref: false })])
      await sleep(Math.max(0, until - performance.now()))
      await this.#disk.drain()
      // What has not noticed the full disk goes on; a limit on its file size stays with the process.
      if (ended === undefined && way === 'tmpfs') return `${way}; not noticed`
      await this.server.restart()
      return `${way}; ended ${ended === undefined ? 'by us' : 'by itself'}`
    } finally {
      this.server.mayEnd = false
    }
  }

  /** Takes nothing that needs memory. */
  async outOfMemoryFor(ms: number): Promise<void> {
    await this.server.command(...OUT_OF_MEMORY.begin)
    await sleep(ms)
    await this.server.command(...OUT_OF_MEMORY.end)
  }

  /** Waits until a server runs again that died without being asked to. */
  async revive(): Promise<void> {
    if (this.server.pid === undefined) await this.server.restart()
  }

  async saveLog(folder: string): Promise<void> {
    await copyFile(this.server.logFile, join(folder, 'redis.log'))
  }

  async close(): Promise<void> {
    await this.server.kill()
    await this.#disk.close()
  }
}
