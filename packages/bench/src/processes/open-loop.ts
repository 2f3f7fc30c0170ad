import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerQuestions } from '../child.ts'
import type { OpenLoop, OpenLoopResult } from '../load.ts'

/**
 * Load by the clock: the n-th request is sent at its time, whether or not earlier ones were answered, and its latency
 * counts from the time at which it should have been sent. A slow server cannot slow the questions down
 * (coordinated omission).
 */
const agent = new Agent({ keepAlive: true, scheduling: 'lifo' })

answerQuestions({
  run: async (load: OpenLoop): Promise<OpenLoopResult> => {
    const total = Math.round((load.perSecond * load.durationMs) / 1_000)
    const startAt = Math.max(load.startAt ?? 0, Date.now() + 20)
    const intervalMs = 1_000 / load.perSecond
    const answers: Promise<Answer>[] = []
    for (let sent = 0; sent < total; ) {
      const now = Date.now()
      for (; sent < total && startAt + sent * intervalMs <= now; sent += 1) {
        const path = load.paths[sent % load.paths.length] as string
        answers.push(send(load, path, startAt + sent * intervalMs))
      }
      // Timers are a millisecond late at most; the latency counts that, for whoever it hits.
      await sleep(1)
    }
    const all = await Promise.all(answers)
    return {
      latencyMs: Float64Array.from(all, ({ latencyMs }) => latencyMs),
      ids: Float64Array.from(all, ({ id }) => id),
      dueAt: Float64Array.from(all, ({ dueAt }) => dueAt),
    }
  },
})

interface Answer {
  readonly latencyMs: number
  readonly id: number
  readonly dueAt: number
}

function send({ url, method, body }: OpenLoop, path: string, plannedAt: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }
    const outgoing = request(`${url}${path}`, { method, agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        const latencyMs = performance.timeOrigin + performance.now() - plannedAt
        if ((response.statusCode ?? 500) >= 300) return reject(new Error(`${response.statusCode}: ${text}`))
        const { id, due_at: dueAt } = JSON.parse(text)
        resolve({ latencyMs, id, dueAt: Date.parse(dueAt) })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
