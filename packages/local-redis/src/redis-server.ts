import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { endWithThisProcess } from './child-lifetime.ts'
import { DataFolder } from './data-folder.ts'
import { freePort } from './free-port.ts'
import { makePrivateFolder, PRIVATE_FILE, PRIVATE_UMASK } from './private-folder.ts'
import { findRedisServer } from './redis-binary.ts'
import { redisCommands } from './redis-command.ts'
import { discardTornTransaction } from './torn-transaction.ts'

export interface RedisServerOptions {
  /**
   * Where the AOF and the server's log live; made when missing, and closed to other users of the machine. The same
   * folder gives the same data again.
   */
  readonly dataDir: string
  /** Default: a free one. */
  readonly port?: number
  /** Default: the repository's redis.conf. */
  readonly configFile?: string
  /** More settings, as on redis-server's command line: `['--maxmemory', '8mb']`. */
  readonly extraArgs?: readonly string[]
  /** Password of the default user, where `extraArgs` or the configuration sets one. */
  readonly password?: string
  /** In a process group of its own, so that Ctrl-C in a terminal reaches only us and the order of stopping is ours. */
  readonly detached?: boolean
  /** How long the server may stay silent before the start counts as failed. Loading a large AOF is not silence. */
  readonly silenceMs?: number
}

export interface RedisExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A running redis-server on 127.0.0.1. It ends with the process that started it, at the latest. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly dataDir: string
  readonly logFile: string
  /** Settles when the server is gone, whoever ended it. */
  readonly exited: Promise<RedisExit>
  /** SIGTERM (the AOF is flushed), then waits for the end. */
  stop(): Promise<RedisExit>
  /** SIGKILL, then waits for the end. */
  kill(): Promise<RedisExit>
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void
  /** SIGCONT. */
  resume(): void
}

export const REPOSITORY_CONFIG = fileURLToPath(new URL('../../../redis.conf', import.meta.url))
const PORT_ATTEMPTS = 5
/** Bytes at which the server's log is put aside at the next start. */
const LARGEST_LOG = 10 * 1_048_576

/**
 * Starts a redis-server and waits until it answers PING, however long it loads its data.
 *
 * Rejects when there is no redis-server on the PATH (see ensureRedisServer), when the data folder is in use by another
 * live process, and, with the end of the server's log, when the server does not come up.
 */
export async function startRedisServer(options: RedisServerOptions): Promise<RedisServer> {
  const binary = findRedisServer()
  if (binary === undefined) throw new Error('There is no redis-server on the PATH.')
  const dataDir = resolve(options.dataDir)
  makePrivateFolder(dataDir)
  const folder = await DataFolder.claim(dataDir)
  try {
    discardTornTransaction(dataDir)
    for (let attempt = 1; ; attempt++) {
      const port = options.port ?? (await freePort())
      const { server, logStart } = launch(binary, port, dataDir, folder, options)
      try {
        await answering(server, logStart, options)
        return server
      } catch (error) {
        await server.kill()
        const wasTaken = /Address already in use/i.test((error as Error).message)
        if (!wasTaken) throw error
        if (options.port !== undefined)
          throw new Error(`Port ${port} is taken by another process.`, { cause: error })
        if (attempt === PORT_ATTEMPTS) throw error
      }
    }
  } catch (error) {
    folder.release()
    throw error
  }
}

/** Redis says little while it runs, but a data folder lives for years: at most two such files. */
function setAsideIfLarge(logFile: string): void {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0
  if (size > LARGEST_LOG) renameSync(logFile, logFile.replace(/\.log$/, '.previous.log'))
}

function launch(
  binary: string,
  port: number,
  dataDir: string,
  folder: DataFolder,
  options: RedisServerOptions,
): { server: RedisServer; logStart: number } {
  const logFile = join(dataDir, 'redis-server.log')
  setAsideIfLarge(logFile)
  const log = openSync(logFile, 'a', PRIVATE_FILE)
  const logStart = fstatSync(log).size
  const args = [options.configFile ?? REPOSITORY_CONFIG, '--bind', '127.0.0.1', '--port', String(port)]
  args.push('--dir', dataDir, '--daemonize', 'no', ...(options.extraArgs ?? []))
  // By way of a shell: Node can set the umask of a child only by changing its own for a moment. `exec` keeps the pid.
  const child = spawn('/bin/sh', ['-c', `umask ${PRIVATE_UMASK} && exec "$0" "$@"`, binary, ...args], {
    cwd: dataDir,
    stdio: ['ignore', log, log],
    detached: options.detached ?? false,
  })
  closeSync(log)
  const exited = exitOf(child)
  if (child.pid !== undefined) {
    endWithThisProcess(child, 'SIGTERM')
    folder.recordServer(child.pid, port)
  }
  void exited.then(() => folder.release())
  const end = (signal: NodeJS.Signals): Promise<RedisExit> => {
    child.kill(signal)
    // A paused process sees no SIGTERM before it goes on.
    child.kill('SIGCONT')
    return exited
  }
  const server: RedisServer = {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: child.pid ?? 0,
    dataDir,
    logFile,
    exited,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
  }
  return { server, logStart }
}

function exitOf(child: ChildProcess): Promise<RedisExit> {
  return new Promise((resolve) => {
    child.once('error', () => resolve({ code: null, signal: null }))
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
}

/** Waits until this very server answers PING on its port; rejects with the log's end when it died or stays silent. */
async function answering(
  server: RedisServer,
  logStart: number,
  { silenceMs = 20_000, password }: RedisServerOptions,
): Promise<void> {
  const login = password === undefined ? [] : [['AUTH', password]]
  const ask = (...command: string[]) =>
    redisCommands(server.port, [...login, command]).then((replies) => replies.at(-1))
  let gone: RedisExit | undefined
  void server.exited.then((exit) => {
    gone = exit
  })
  let lastSignOfLife = Date.now()
  while (gone === undefined) {
    try {
      // Another Redis on the port, while ours is about to give up, must not pass for ours.
      const info = String(await Promise.race([ask('INFO', 'server'), server.exited]))
      if (info.includes(`process_id:${server.pid}\r`)) {
        lastSignOfLife = Date.now()
        await ask('PING')
        return
      }
    } catch {
      // Not listening yet, or loading its data.
    }
    if (Date.now() - lastSignOfLife > silenceMs) break
    await Promise.race([sleep(20), server.exited])
  }
  const tail = readFileSync(server.logFile)
    .subarray(logStart)
    .toString('utf8')
    .split('\n')
    .slice(-20)
    .join('\n')
  const what =
    gone === undefined ? `stayed silent for ${silenceMs} ms` : `ended with ${gone.code ?? gone.signal}`
  throw new Error(`redis-server on port ${server.port} ${what}. The end of its log:\n${tail}`)
}
