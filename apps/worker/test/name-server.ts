import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Answer, decode, encode, type Question, TRUNCATED_RESPONSE } from 'dns-packet'
import type { NameFiles } from '../src/delivery/names/name-settings.ts'

/** What comes back for a question; bytes are sent as they are. */
export type Reply =
  | 'silent'
  | Buffer
  | { readonly rcode?: number; readonly answers?: Answer[]; readonly truncated?: boolean }

export const NXDOMAIN: Reply = { rcode: 3 }
export const SERVFAIL: Reply = { rcode: 2 }
export const NO_DATA: Reply = {}

export interface NameServer {
  /** As a resolv.conf may name it. */
  readonly address: string
  /** Every question, as `A hook.test`. */
  readonly asked: string[]
  respond: (name: string, type: string, over: 'udp' | 'tcp') => Reply
  close(): Promise<void>
}

/** A name server on 127.0.0.1, by UDP and TCP. Answers with nothing but what it is told to. */
export async function startNameServer(respond: NameServer['respond']): Promise<NameServer> {
  for (;;) {
    const server = await tryToStart(respond)
    if (server !== undefined) return server
  }
}

/** Gives none where the port that is free for TCP is taken for UDP. */
async function tryToStart(respond: NameServer['respond']): Promise<NameServer | undefined> {
  const sockets = new Set<Socket>()
  const tcp = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', (chunk: Buffer) => {
      const answer = answerTo(chunk.subarray(2), 'tcp')
      if (answer === undefined) return
      const length = Buffer.alloc(2)
      length.writeUInt16BE(answer.length)
      socket.end(Buffer.concat([length, answer]))
    })
  })
  const udp = createSocket({ type: 'udp4', recvBufferSize: 4 * 1_024 * 1_024 })
  const server: NameServer = {
    get address() {
      return `127.0.0.1:${(tcp.address() as AddressInfo).port}`
    },
    asked: [],
    respond,
    close: async () => {
      udp.close()
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => tcp.close(resolve))
    },
  }

  function answerTo(message: Buffer, over: 'udp' | 'tcp'): Buffer | undefined {
    const { id, questions = [] } = decode(message)
    const [question] = questions as [Question]
    const name = question.name.toLowerCase()
    server.asked.push(`${question.type} ${name}`)
    const reply = server.respond(name, question.type, over)
    if (reply === 'silent') return undefined
    if (Buffer.isBuffer(reply)) return reply
    const { rcode = 0, answers = [], truncated = false } = reply
    const flags = rcode | (truncated ? TRUNCATED_RESPONSE : 0)
    return encode({ type: 'response', id: id ?? 0, flags, questions, answers })
  }

  udp.on('message', (message, { port, address }) => {
    const answer = answerTo(message, 'udp')
    if (answer !== undefined) udp.send(answer, port, address)
  })
  await once(tcp.listen(0, '127.0.0.1'), 'listening')
  try {
    await once(udp.bind((tcp.address() as AddressInfo).port, '127.0.0.1'), 'listening')
    return server
  } catch (error) {
    await server.close()
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    return undefined
  }
}

/** An answer of IPv4 addresses, and of none where IPv6 is asked for. */
export function ipv4(name: string, type: string, addresses: readonly string[], ttl = 60): Reply {
  return type === 'A' ? { answers: addresses.map((data) => ({ type: 'A', name, ttl, data })) } : NO_DATA
}

export interface TestNameFiles extends NameFiles {
  write(texts: { hosts?: string; resolvConf?: string }): Promise<void>
  remove(): Promise<void>
}

/** The two files of a machine whose names are looked up as a test wants. */
export async function makeNameFiles(texts: { hosts?: string; resolvConf?: string }): Promise<TestNameFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'names-'))
  const files: TestNameFiles = {
    hosts: join(folder, 'hosts'),
    resolvConf: join(folder, 'resolv.conf'),
    async write({ hosts, resolvConf }) {
      if (hosts !== undefined) await writeFile(files.hosts, hosts)
      if (resolvConf !== undefined) await writeFile(files.resolvConf, resolvConf)
    },
    remove: () => rm(folder, { recursive: true }),
  }
  await files.write(texts)
  return files
}
