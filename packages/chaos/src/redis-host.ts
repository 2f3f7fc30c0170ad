import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RedisReply, type RedisServer, redisCommand, startRedisServer } from '@timers/local-redis'
import { cutTail, markAof } from './aof-tail.ts'
import { type DataDisk, openDataDisk } from './data-disk.ts'
import { stablePort } from './stable-port.ts'

/** Rewrite the AOF early and often: runs are short. */
const EXTRA_ARGS = ['--auto-aof-rewrite-min-size', '4mb']
const BYTES_TO_START_WITH = 256 * 2 ** 20
const BYTES_A_MINUTE = 16 * 2 ** 20
/** Room that a disk that runs full has left: it gives out in the middle of something. */
const ROOM_BYTES = { least: 4 * 1_024, most: 128 * 1_024 }
/** How long commands run whose replies nobody gets. */
const HELD_MS = { least: 20, most: 300 }
const COMMAND_TIMEOUT_MS = 5_000

/** The Redis of the experiment: one port, one data folder, and all that can happen to it. */
export class RedisHost {
  readonly port: number
  readonly disk: DataDisk
  /** Ends of the server that nobody here asked for, told when they happen. */
  readonly crashes: string[] = []
  #server: RedisServer | undefined

  private constructor(port: number, disk: DataDisk) {
    this.port = port
    this.disk = disk
  }

  static async start(minutes: number): Promise<RedisHost> {
    const disk = await openDataDisk(BYTES_TO_START_WITH + Math.ceil(minutes) * BYTES_A_MINUTE)
    const host = new RedisHost(await stablePort(), disk)
    try {
      await host.#start()
    } catch (error) {
      await disk.close()
      throw error
    }
    return host
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  get running(): boolean {
    return this.#server !== undefined
  }

  /** Sends one command, past every proxy. */
  command(...words: string[]): Promise<RedisReply> {
    return redisCommand(this.port, words, COMMAND_TIMEOUT_MS)
  }

  /** kill -9, and the same Redis again on the same data. */
  async killFor(ms: number): Promise<void> {
    await this.#kill()
    await sleep(ms)
    await this.#start()
  }

  /**
   * The same, with the AOF cut short in between: somewhere in what was written after `holdReplies` had begun to hold back
   * all replies, which are lost for good by what it returns; without it a record that is cut short is added.
   */
  async killAndCutTailFor(
    ms: number,
    dice: number,
    holdReplies?: () => Promise<() => Promise<void>>,
  ): Promise<string> {
    const lose = await holdReplies?.()
    const heldAt = lose && (await markAof(this.disk.folder))
    if (lose !== undefined) await sleep(HELD_MS.least + dice * (HELD_MS.most - HELD_MS.least))
    await this.#kill()
    const { note, undo } = await cutTail(this.disk.folder, dice, heldAt)
    await lose?.()
    await sleep(ms)
    try {
      await this.#start()
      return note
    } catch {
      // Redis was killed in the middle of a record: that is a cut tail by itself, and what follows it cannot be read.
      await undo()
      await this.#start()
      return 'tail was cut by the kill already'
    }
  }

  /** The disk runs full. With `appendfsync always` Redis ends itself; it is started again when there is room. */
  async fillDiskFor(ms: number, dice: number): Promise<string> {
    const server = this.#server
    if (server === undefined || this.disk.way === undefined) return 'not possible here'
    const until = performance.now() + ms
    const { least, most } = ROOM_BYTES
    // Its end is no crash from here on.
    this.#server = undefined
    const roomBytes = Math.round(least + dice * (most - least))
    try {
      const { file } = await markAof(this.disk.folder)
      await this.disk.fill(roomBytes, server.pid, file)
    } catch (error) {
      this.#adopt(server)
      throw error
    }
    const ended = await Promise.race([server.exited, sleep(ms, undefined, { ref: false })])
    await sleep(Math.max(0, until - performance.now()))
    await this.disk.drain()
    // What has not noticed the full disk goes on; a limit on its file size stays with the process.
    if (ended === undefined && this.disk.way === 'tmpfs') {
      this.#adopt(server)
      return `${this.disk.way}; not noticed`
    }
    await server.kill()
    await this.#start()
    return `${this.disk.way}; ended ${ended === undefined ? 'by us' : 'by itself'}`
  }

  /** Takes nothing that needs memory. */
  async outOfMemoryFor(ms: number): Promise<void> {
    await this.command('CONFIG', 'SET', 'maxmemory', '1')
    await sleep(ms)
    await this.command('CONFIG', 'SET', 'maxmemory', '0')
  }

  /** Waits until a server runs again that died without being asked to. */
  async revive(): Promise<void> {
    if (!this.running) await this.#start()
  }

  async saveLog(folder: string): Promise<void> {
    await copyFile(join(this.disk.folder, 'redis-server.log'), join(folder, 'redis.log'))
  }

  async close(): Promise<void> {
    await this.#kill()
    await this.disk.close()
  }

  async #kill(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    await server?.kill()
  }

  async #start(): Promise<void> {
    this.#adopt(await startRedisServer({ dataDir: this.disk.folder, port: this.port, extraArgs: EXTRA_ARGS }))
  }

  #adopt(server: RedisServer): void {
    this.#server = server
    void server.exited.then(async ({ code, signal }) => {
      if (this.#server !== server) return
      this.#server = undefined
      this.crashes.push(`redis ended with ${code ?? signal} at ${new Date().toISOString()}`)
      await this.#start().catch((error: Error) => this.crashes.push(error.message))
    })
  }
}
