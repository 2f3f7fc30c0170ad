import { chmodSync, existsSync, mkdirSync, renameSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(import.meta.url)

/** Size at which a file is put aside, and how many are kept: at most 50 MiB a service. */
const FILE_SIZE = '10M'
const OLDER_FILES = 4
/** A line that is longer is cut in pieces, so that output without an end of line cannot fill the memory. */
const LONGEST_LINE = 1_048_576

/**
 * The log of one service on disk: `api.log`, and `api.previous.1.log` (the newest) to `api.previous.4.log`. Each run begins a new
 * file. Bounded: however much a service writes, and however long it runs, the oldest file makes room.
 */
export class ServiceLog {
  /** @type {import('rotating-file-stream').RotatingFileStream} */
  #file
  /** @type {Set<import('node:stream').Readable>} streams that wait for the disk */
  #waiting = new Set()

  /**
   * @param {string} folder made when it is missing
   * @param {string} name of the service
   */
  constructor(folder, name) {
    const nameOf = (/** @type {number} */ age) => (age === 0 ? `${name}.log` : `${name}.previous.${age}.log`)
    // Logs tell which receivers are called: for the user who runs the services, not for all of the machine.
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    closeToOthers(folder)
    for (let age = OLDER_FILES; age > 0; age -= 1) {
      const newer = join(folder, nameOf(age - 1))
      if (existsSync(newer)) renameSync(newer, join(folder, nameOf(age)))
    }
    // Not at the head: `npm start` loads this file before it has installed any package.
    const { createStream } = /** @type {typeof import('rotating-file-stream')} */ (
      require('rotating-file-stream')
    )
    this.#file = createStream((index) => nameOf(Number(index ?? 0)), {
      path: folder,
      mode: 0o600,
      size: FILE_SIZE,
      rotate: OLDER_FILES,
    })
    const goOn = () => {
      for (const stream of this.#waiting) stream.resume()
      this.#waiting.clear()
    }
    this.#file.on('drain', goOn).once('close', goOn)
    // A full disk is no reason to stop the service, nor this process.
    this.#file.once('error', (error) => {
      console.error(`The log of the ${name} cannot be written any more: ${error.message}`)
    })
  }

  /**
   * Writes what comes from `stream`, line by line, and hands each line to `onLine`. Reads no faster than the disk takes it.
   *
   * @param {import('node:stream').Readable} stream
   * @param {(line: string) => void} onLine
   */
  follow(stream, onLine) {
    let rest = ''
    const take = (/** @type {string} */ text) => {
      if (text === '') return
      for (const line of text.split('\n')) onLine(line)
      if (this.#file.destroyed || this.#file.write(`${text}\n`)) return
      stream.pause()
      this.#waiting.add(stream)
    }
    stream.setEncoding('utf8')
    stream.on('data', (chunk) => {
      rest += chunk
      const end = rest.length > LONGEST_LINE ? rest.length : rest.lastIndexOf('\n')
      if (end === -1) return
      const text = rest.slice(0, end)
      rest = rest.slice(end + 1)
      take(text)
    })
    stream.once('end', () => take(rest))
  }

  /** Resolves when all that was taken is in the file. */
  async close() {
    await new Promise((resolve) => this.#file.end(resolve))
  }
}

/**
 * Also a folder of an older start. One that belongs to somebody else stays as its owner made it.
 *
 * @param {string} folder
 */
function closeToOthers(folder) {
  try {
    chmodSync(folder, 0o700)
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EPERM') throw error
  }
}
