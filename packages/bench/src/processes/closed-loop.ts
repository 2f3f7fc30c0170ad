import autocannon, { type Options, type Request, type Result } from 'autocannon'
import { answerQuestions } from '../child.ts'
import type { ClosedLoop, ClosedLoopResult } from '../load.ts'

/** Load by autocannon: each connection sends its next request when the answer to the last one has come. */
answerQuestions({
  run: async (load: ClosedLoop): Promise<ClosedLoopResult> => {
    const { url, method, paths, headers, body, numbersFrom, connections, stop } = load
    const { result, tookMs } = await fire({
      url,
      connections,
      ...('amount' in stop ? { amount: stop.amount } : { duration: stop.seconds }),
      requests: paths.map((path) => ({
        method,
        path,
        headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body }),
        ...(numbersFrom !== undefined && { setupRequest: numbered(numbersFrom) }),
      })),
    })
    if (result.errors + result.non2xx > 0) {
      const statuses = Object.keys(result.statusCodeStats ?? {}).join(', ')
      throw new Error(`${result.errors} errors and ${result.non2xx} answers that are not 2xx: ${statuses}`)
    }
    const answered = result['2xx']
    return { answered, perSecond: (answered / tookMs) * 1_000 }
  },
})

/** Makes every request another one. All connections share the numbers; autocannon makes some requests that it never sends. */
function numbered(from: number): (request: Request) => Request {
  let next = from
  return (request) => {
    const number = String(next)
    next += 1
    const filled = (text: string) => text.replaceAll('{n}', number)
    const { path = '', headers = {}, body } = request
    return {
      ...request,
      path: filled(path),
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, filled(String(value))]),
      ),
      ...(body !== undefined && { body: filled(String(body)) }),
    }
  }
}

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
