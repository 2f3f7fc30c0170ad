import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  asArguments,
  type RedisReply,
  type RedisServer,
  redisCommand,
  stablePort,
  startRedisServer,
  type TlsFiles,
  tlsLines,
} from '@timers/local-redis'
import { type CertificateOptions, makeCertificates } from './certificates.ts'

/** Another test may take the port that was free a moment ago. */
const PORT_TRIES = 3

export interface TestRedisOptions {
  /** Where its data is kept; outlives it. Default: a temporary folder, removed by `stop()`. */
  readonly dataDir?: string
  /** Default: one that stays free while it is killed. */
  readonly port?: number
  /** More settings, as on redis-server's command line: `['--maxmemory', '8mb']`. */
  readonly extraArgs?: readonly string[]
  /** A port for TLS beside the plain one (`tls`), with a certificate of a CA of the test's own. */
  readonly certificate?: CertificateOptions
  /** How long it may stay silent while it starts. */
  readonly silenceMs?: number
  /** How long a command may take. Default: 10 s. */
  readonly commandTimeoutMs?: number
  /** Told when it ends and nobody here has asked it to. */
  readonly onCrash?: (what: string) => void
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
  /** Where it speaks TLS, and the CA of its certificate; undefined without `certificate`. */
  readonly tls: { readonly url: string; readonly caFile: string } | undefined
  /** Whether its end is expected, and no crash. */
  mayEnd = false
  readonly #options: TestRedisOptions
  #server: RedisServer | undefined

  constructor(server: RedisServer, options: TestRedisOptions, tls: TestRedis['tls']) {
    this.port = server.port
    this.url = server.url
    this.dataDir = server.dataDir
    this.tls = tls
    this.#options = options
    this.#adopt(server)
  }

  /** Pid of the running server; undefined while there is none. */
  get pid(): number | undefined {
    return this.#server?.pid
  }

  /** Settles when the running server is gone, whoever ended it. */
  get exited(): Promise<unknown> {
    return this.#server?.exited ?? Promise.resolve()
  }

  get logFile(): string {
    return join(this.dataDir, 'redis-server.log')
  }

  /** Sends one command and gives the reply; rejects with the text of an error reply. */
  command(...words: string[]): Promise<RedisReply> {
    return redisCommand(this.port, words, this.#options.commandTimeoutMs ?? 10_000)
  }

  /** Empties it. */
  async flush(): Promise<void> {
    await this.command('FLUSHALL')
  }

  /** SIGKILL, like a power failure of the process. Data and port stay for `restart()`. */
  async kill(): Promise<void> {
    await this.#leave()?.kill()
  }

  /** SIGTERM. Data and port stay for `restart()`. */
  async shutDown(): Promise<void> {
    await this.#leave()?.stop()
  }

  /** Starts it again on the same port and data; kills it first if it runs. */
  async restart(): Promise<void> {
    await this.kill()
    const { port, dataDir } = this
    this.#adopt(await startRedisServer({ ...this.#options, dataDir, port }))
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
    if (this.#options.dataDir === undefined) await rm(this.dataDir, { recursive: true, force: true })
  }

  #adopt(server: RedisServer): void {
    this.#server = server
    void server.exited.then(({ code, signal }) => {
      if (this.#server !== server) return
      this.#server = undefined
      if (!this.mayEnd)
        this.#options.onCrash?.(`redis ended with ${code ?? signal} at ${new Date().toISOString()}`)
    })
  }

  /** Its end is no crash from here on. */
  #leave(): RedisServer | undefined {
    const server = this.#server
    this.#server = undefined
    return server
  }
}

/** Starts a Redis of the test's own. The test must `stop()` it. */
export async function startTestRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'timers-redis-')))
  const files = options.certificate && (await makeCertificates(dataDir, options.certificate))
  for (let tries = 1; ; tries += 1) {
    // Tests kill it, and want its port back: nobody else may sit on it by then.
    const port = options.port ?? (await stablePort())
    const secured = await withTls(options, files)
    try {
      const server = await startRedisServer({ ...secured, dataDir, port })
      return new TestRedis(server, secured, secured.tls)
    } catch (error) {
      const wasTaken = /is taken by another process/.test((error as Error).message)
      if (!wasTaken || options.port !== undefined || tries === PORT_TRIES) throw error
    }
  }
}

async function withTls(options: TestRedisOptions, files: TlsFiles | undefined) {
  if (files === undefined) return { ...options, tls: undefined }
  const port = await stablePort()
  const extraArgs = [...(options.extraArgs ?? []), ...asArguments(tlsLines(files, port))]
  return { ...options, extraArgs, tls: { url: `rediss://127.0.0.1:${port}`, caFile: files.caFile } }
}
