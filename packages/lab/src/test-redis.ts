import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RedisReply, type RedisServer, redisCommand, startRedisServer } from '@timers/local-redis'

export interface TestRedisOptions {
  /** More settings, as on redis-server's command line: `['--maxmemory', '8mb']`. */
  readonly extraArgs?: readonly string[]
}

/**
 * A Redis that belongs to one test file: the repository's settings, a free port, a temporary data folder.
 *
 * Port and data outlive `kill()` and `shutDown()`, so that `restart()` brings the same Redis back. `stop()` ends it for good.
 */
export class TestRedis {
  readonly url: string
  readonly port: number
  readonly dataDir: string
  readonly #extraArgs: readonly string[]
  #server: RedisServer | undefined

  constructor(server: RedisServer, extraArgs: readonly string[]) {
    this.port = server.port
    this.url = server.url
    this.dataDir = server.dataDir
    this.#extraArgs = extraArgs
    this.#server = server
  }

  /** Pid of the running server; undefined while there is none. */
  get pid(): number | undefined {
    return this.#server?.pid
  }

  /** Sends one command and gives the reply; rejects with the text of an error reply. */
  command(...words: string[]): Promise<RedisReply> {
    return redisCommand(this.port, words, 10_000)
  }

  /** Empties it. */
  async flush(): Promise<void> {
    await this.command('FLUSHALL')
  }

  /** SIGKILL, like a power failure of the process. Data and port stay for `restart()`. */
  async kill(): Promise<void> {
    await this.#server?.kill()
    this.#server = undefined
  }

  /** SIGTERM. Data and port stay for `restart()`. */
  async shutDown(): Promise<void> {
    await this.#server?.stop()
    this.#server = undefined
  }

  /** Starts it again on the same port and data; kills it first if it runs. */
  async restart(): Promise<void> {
    await this.kill()
    this.#server = await startRedisServer({
      dataDir: this.dataDir,
      port: this.port,
      extraArgs: this.#extraArgs,
    })
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void {
    this.#server?.pause()
  }

  /** SIGCONT. */
  resume(): void {
    this.#server?.resume()
  }

  /** Ends it and removes its data. */
  async stop(): Promise<void> {
    await this.kill()
    await rm(this.dataDir, { recursive: true, force: true })
  }
}

/** Starts a Redis of the test's own. The test must `stop()` it. */
export async function startTestRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const dataDir = await mkdtemp(join(tmpdir(), 'timers-redis-'))
  const extraArgs = options.extraArgs ?? []
  const server = await startRedisServer({ dataDir, extraArgs })
  return new TestRedis(server, extraArgs)
}
