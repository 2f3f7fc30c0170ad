import { type AddressInfo, createServer, type Socket } from 'node:net'
import { answerQuestions } from '../child.ts'
import type { Arrivals } from '../receiver.ts'

/**
 * The receiver: 200 to everything, at once. Sockets and a parser of a few lines rather than node:http, so that it takes
 * as little as can be of the machine that it shares with what is measured. It understands what got sends: a head,
 * and a body of `content-length` bytes.
 */
const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'

let recording = false
let ids = new Float64Array(1_024)
let at = new Float64Array(1_024)
let count = 0
let wanted = Number.POSITIVE_INFINITY
let onWanted: () => void = () => {}

function arrived(id: number): void {
  if (recording) {
    if (count === ids.length) {
      ids = grown(ids)
      at = grown(at)
    }
    ids[count] = id
    at[count] = Date.now()
  }
  count += 1
  if (count >= wanted) onWanted()
}

function grown(values: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(values.length * 2)
  larger.set(values)
  return larger
}

function serveSocket(socket: Socket): void {
  let pending = ''
  socket.setNoDelay(true)
  socket.setEncoding('latin1')
  socket.on('error', () => socket.destroy())
  socket.on('data', (text: string) => {
    pending = pending === '' ? text : pending + text
    for (;;) {
      const end = pending.indexOf('\r\n\r\n')
      if (end === -1) return
      const head = pending.slice(0, end)
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
      if (pending.length < end + 4 + length) return
      pending = pending.slice(end + 4 + length)
      arrived(idOf(head))
      socket.write(ANSWER)
    }
  })
}

/** `POST /hooks/xxx/17 HTTP/1.1`: 17. */
function idOf(head: string): number {
  const path = head.slice(0, head.indexOf('\r\n')).split(' ')[1] ?? ''
  return Number.parseInt(path.slice(path.lastIndexOf('/') + 1), 10)
}

answerQuestions({
  listen: () =>
    new Promise<number>((resolve, reject) => {
      const server = createServer(serveSocket)
      server.once('error', reject)
      server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, () =>
        resolve((server.address() as AddressInfo).port),
      )
    }),
  /** Forgets what was, and begins anew. */
  record: ({ recording: keep }: { recording: boolean }) => {
    recording = keep
    count = 0
    wanted = Number.POSITIVE_INFINITY
  },
  count: () => count,
  /** Answers when so many have arrived, or the time is over. */
  until: ({ arrivals, timeoutMs }: { arrivals: number; timeoutMs: number }) =>
    new Promise<number>((resolve) => {
      const finish = () => {
        clearTimeout(timer)
        wanted = Number.POSITIVE_INFINITY
        resolve(count)
      }
      const timer = setTimeout(finish, timeoutMs)
      wanted = arrivals
      onWanted = finish
      if (count >= wanted) finish()
    }),
  arrivals: (): Arrivals => ({ ids: ids.slice(0, count), at: at.slice(0, count) }),
})
