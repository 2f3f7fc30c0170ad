import type { Metrics } from '@timers/runtime'
import type { FastifyReply } from 'fastify'
import type { App } from '../app.ts'

/** Upper bounds in seconds. A 503 comes within two seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/**
 * Exports how long requests take by method, route and class of status, from when Fastify has a request to when its
 * answer is handed to Node. All series stand from the start, at 0. What no route matches has one label for all: its
 * path and its method are a stranger's choice.
 *
 * Each route gets a hook that knows its labels: to ask a request for its route costs several microseconds.
 */
export function measureRequests(app: App, metrics: Metrics): void {
  const seconds = metrics.histogram(
    'timers_http_request_duration_seconds',
    'Time from a request to its answer, by method, route and class of status',
    { buckets: BUCKETS, labelNames: ['method', 'route', 'status'] },
  )

  function createObserver(method: string, route: string): (reply: FastifyReply) => void {
    const [good, refused, failed] = (['2xx', '4xx', '5xx'] as const).map((status) => {
      seconds.zero({ method, route, status })
      return seconds.labels(method, route, status)
    })
    return (reply) => {
      const { statusCode } = reply
      const observer = statusCode < 400 ? good : statusCode < 500 ? refused : failed
      observer?.observe(reply.elapsedTime / 1_000)
    }
  }

  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) {
      const observe = createObserver(method, route.url)
      route.onSend = [
        ...[route.onSend ?? []].flat(),
        (request, reply, _payload, done) => {
          // A HEAD route runs the hooks of its GET, too.
          if (request.method === method) observe(reply)
          done()
        },
      ]
    }
  })
  const observeUnmatched = createObserver('any', 'unmatched')
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (request.is404) observeUnmatched(reply)
    done()
  })
}
