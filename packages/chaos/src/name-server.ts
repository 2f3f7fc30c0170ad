import { createSocket, type Socket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Names in it are 127.0.0.1. */
export const HEALTHY_ZONE = 'healthy.test'
/** For names in it there is never an answer. */
export const SILENT_ZONE = 'silent.test'

const HEADER_BYTES = 12
const TYPE_A = 1
const TTL_SECONDS = 5

/** The name server of the experiment, and how workers are made to ask it. */
export class NameServer {
  readonly #socket: Socket
  readonly #folder = mkdtempSync(join(tmpdir(), 'timers-chaos-names-'))
  /** Questions about names that get no answer. */
  unanswered = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', (question, { port, address }) => {
      const answer = answerTo(question)
      if (answer === undefined) this.unanswered += 1
      else socket.send(answer, port, address)
    })
    const { port } = socket.address()
    writeFileSync(join(this.#folder, 'resolv.conf'), `nameserver 127.0.0.1:${port}\n`)
    writeFileSync(join(this.#folder, 'hosts'), '127.0.0.1 localhost\n')
  }

  static async start(): Promise<NameServer> {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    return new NameServer(socket)
  }

  /**
   * Options for a node process that shall read our files where it reads the machine's own: its settings do not say where
   * they are, as no operator would want to.
   */
  get execArgv(): readonly string[] {
    const source = `
      import fs from 'node:fs'
      import { syncBuiltinESMExports } from 'node:module'
      const { readFile, stat } = fs.promises
      const moved = (path) => ['/etc/hosts', '/etc/resolv.conf'].includes(path)
        ? path.replace('/etc', ${JSON.stringify(this.#folder)}) : path
      fs.promises.readFile = (path, ...rest) => readFile(moved(path), ...rest)
      fs.promises.stat = (path, ...rest) => stat(moved(path), ...rest)
      syncBuiltinESMExports()
    `
    return ['--import', `data:text/javascript,${encodeURIComponent(source)}`]
  }

  close(): void {
    this.#socket.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Undefined for a name of the silent zone. */
function answerTo(query: Buffer): Buffer | undefined {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length).toLowerCase())
    at += 1 + length
  }
  if (labels.join('.').endsWith(SILENT_ZONE)) return undefined
  const question = query.subarray(HEADER_BYTES, at + 5)
  const isA = query.readUInt16BE(at + 1) === TYPE_A
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt16BE(query.readUInt16BE(0), 0)
  // A reply, recursion desired and available, no error; one question, one answer or none.
  header.writeUInt16BE(0x8180, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(isA ? 1 : 0, 6)
  if (!isA) return Buffer.concat([header, question])
  // The name of the question, type A, class IN, its TTL, four bytes.
  const record = Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, TTL_SECONDS, 0, 4, 127, 0, 0, 1])
  return Buffer.concat([header, question, record])
}
