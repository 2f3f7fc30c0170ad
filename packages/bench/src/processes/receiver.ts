import { answerBytes, serveRequests, targetOf } from '@timers/lab'
import { answerQuestions } from '../child.ts'
import type { Arrivals } from '../receiver.ts'

/** The receiver: 200 to everything, at once or after a while. Of a request no more is kept than two numbers. */
const ANSWER = answerBytes(200, {}, '')

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

/** `/hooks/xxx/17`: 17. */
function idOf(head: string): number {
  const path = targetOf(head)
  return Number.parseInt(path.slice(path.lastIndexOf('/') + 1), 10)
}

answerQuestions({
  listen: async ({ answerAfterMs }: { answerAfterMs: number }) => {
    const server = await serveRequests<number>({
      head: idOf,
      complete: (id, _body, socket) => {
        arrived(id)
        if (answerAfterMs === 0) socket.write(ANSWER)
        else setTimeout(() => socket.write(ANSWER), answerAfterMs)
      },
    })
    return server.port
  },
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
