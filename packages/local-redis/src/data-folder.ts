import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PRIVATE_FILE } from './private-folder.ts'
import { processIdentity } from './process-identity.ts'
import { redisCommand } from './redis-command.ts'

/**
 * A data folder belongs to one Redis at a time: two servers that append to one AOF destroy it.
 *
 * `redis.json` in the folder says who has it. It is taken over only when its owner is dead, or is this very process. A Redis
 * that outlived its owner (the owner was killed with -9) is shut down cleanly first, after asking it over its port whether it
 * really is that process: a pid alone proves nothing, pids are reused.
 */
export class DataFolder {
  readonly #file: string
  #claim: Claim

  private constructor(file: string, claim: Claim) {
    this.#file = file
    this.#claim = claim
  }

  /** Takes the folder, which must exist. Throws an Error that names the holder when somebody else has it. */
  static async claim(dataDir: string): Promise<DataFolder> {
    const file = join(dataDir, 'redis.json')
    const claim: Claim = {
      ownerPid: process.pid,
      owner: processIdentity(process.pid) ?? '',
      nonce: Math.random().toString(36).slice(2),
      port: 0,
      pid: 0,
      server: '',
    }
    for (let attempt = 0; attempt < 10; attempt++) {
      if (create(file, claim)) return new DataFolder(file, claim)
      const holder = read(file)
      if (holder !== undefined) await dislodge(holder, dataDir)
      // Remove what was judged, and only that: somebody quicker may have put a claim of their own there since.
      if (read(file)?.nonce === holder?.nonce) rmSync(file, { force: true })
    }
    throw new Error(`The data folder ${dataDir} is taken by other processes again and again: try once more.`)
  }

  /** Notes the server that runs on the folder, for whoever finds it after our death. */
  recordServer(pid: number, port: number): void {
    this.#claim = { ...this.#claim, pid, port, server: processIdentity(pid) ?? '' }
    const draft = `${this.#file}.${process.pid}.new`
    writeFileSync(draft, JSON.stringify(this.#claim), { mode: PRIVATE_FILE })
    renameSync(draft, this.#file)
  }

  /** Gives the folder back, if it is still ours. */
  release(): void {
    if (read(this.#file)?.nonce === this.#claim.nonce) rmSync(this.#file, { force: true })
  }
}

/**
 * Removes a data folder, if there is one. Throws an Error that names the holder when somebody else has it; a server that
 * outlived its owner is shut down first.
 */
export async function discardFolder(dataDir: string): Promise<void> {
  if (!existsSync(dataDir)) return
  await DataFolder.claim(dataDir)
  rmSync(dataDir, { recursive: true, force: true })
}

interface Claim {
  readonly ownerPid: number
  /** Identity of the owner, see processIdentity(). */
  readonly owner: string
  readonly nonce: string
  /** Port and pid of the server; 0 as long as there is none. */
  readonly port: number
  readonly pid: number
  readonly server: string
}

function create(file: string, claim: Claim): boolean {
  try {
    writeFileSync(file, JSON.stringify(claim), { flag: 'wx', mode: PRIVATE_FILE })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** The claim in the file; undefined when there is none or it cannot be read (a disk that was full, say). */
function read(file: string): Claim | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Claim
  } catch {
    return undefined
  }
}

/** Makes sure that the holder is gone, or throws. */
async function dislodge(holder: Claim, dataDir: string): Promise<void> {
  const ownerLives = processIdentity(holder.ownerPid) === holder.owner
  const serverLives = holder.pid > 0 && processIdentity(holder.pid) === holder.server
  if (ownerLives && (holder.ownerPid !== process.pid || serverLives)) {
    throw new Error(
      `The data folder ${dataDir} is in use by process ${holder.ownerPid}` +
        `${serverLives ? ` (its Redis is process ${holder.pid}, port ${holder.port})` : ''}. ` +
        'Stop that one first, or choose another folder with TIMERS_DATA_DIR.',
    )
  }
  if (serverLives) await shutDownOrphan(holder, dataDir)
}

async function shutDownOrphan(holder: Claim, dataDir: string): Promise<void> {
  const processId = await redisCommand(holder.port, ['INFO', 'server'])
    .then((info) => /process_id:(\d+)/.exec(String(info))?.[1])
    .catch(() => undefined)
  if (processId !== String(holder.pid)) {
    throw new Error(
      `Process ${holder.pid} seems to be a Redis left over on the data folder ${dataDir}, but does not answer on port ` +
        `${holder.port}. Look at it, stop it, and start again.`,
    )
  }
  process.kill(holder.pid, 'SIGTERM')
  for (let waitedMs = 0; processIdentity(holder.pid) === holder.server; waitedMs += 50) {
    if (waitedMs > 30_000) throw new Error(`The left-over Redis ${holder.pid} on ${dataDir} does not stop.`)
    await sleep(50)
  }
}
