import autocannon, { type Options, type Result } from 'autocannon'
import { answerQuestions } from '../child.ts'
import type { ClosedLoop, ClosedLoopResult } from '../load.ts'

/** Load by autocannon: each connection sends its next request when the answer to the last one has come. */
answerQuestions({
  run: async ({ url, method, paths, body, connections, stop }: ClosedLoop): Promise<ClosedLoopResult> => {
    const { result, tookMs } = await fire({
      url,
      connections,
      ...('amount' in stop ? { amount: stop.amount } : { duration: stop.seconds }),
      requests: paths.map((path) => ({
        method,
        path,
        ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
      })),
    })
    if (result.errors + result.non2xx > 0) {
      throw new Error(`${result.errors} errors and ${result.non2xx} answers that are not 2xx`)
    }
    const answered = result['2xx']
    return { answered, perSecond: (answered / tookMs) * 1_000 }
  },
})

/** Times it until the last answer: autocannon looks only once a second whether it is at its end. */
function fire(options: Options): Promise<{ result: Result; tookMs: number }> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now()
    let lastAt = startedAt
    const instance = autocannon(options, (error, result) => {
      if (error) reject(error)
      else resolve({ result, tookMs: lastAt - startedAt })
    })
    instance.on('response', () => {
      lastAt = performance.now()
    })
  })
}
