import autocannon from 'autocannon'
import { answerQuestions } from '../child.ts'
import type { ClosedLoop, ClosedLoopResult } from '../load.ts'

/** Load by autocannon: each connection sends its next request when the answer to the last one has come. */
answerQuestions({
  run: async ({ url, method, paths, body, connections, stop }: ClosedLoop): Promise<ClosedLoopResult> => {
    const result = await autocannon({
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
    const seconds = (result.finish.getTime() - result.start.getTime()) / 1_000
    return { answered, perSecond: answered / seconds, p99Ms: result.latency.p99 }
  },
})
