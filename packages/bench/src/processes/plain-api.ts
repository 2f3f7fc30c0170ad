import { fastify } from 'fastify'
import { answerQuestions } from '../child.ts'

/**
 * The other reference for creates: a plain Fastify route with the API's own schemas and server options that does
 * nothing. The schemas are taken from the built API, so that they stay the same.
 */
const fromApi = (path: string) =>
  import(new URL(`../../../../apps/api/dist/${path}.js`, import.meta.url).href)

answerQuestions({
  listen: async (): Promise<string> => {
    const { createTimerBody } = await fromApi('schemas/timer-bodies')
    const { createdTimerBody } = await fromApi('schemas/timer-answers')
    const { serverOptions } = await fromApi('server-options')
    const app = fastify(serverOptions)
    const schema = { body: createTimerBody, response: { 201: createdTimerBody } }
    app.post('/timers', { schema }, async (_request, reply) => {
      reply.code(201)
      return { id: 1, time_left: 86_400, status: 'pending', due_at: '2039-09-07T15:47:35.551Z' }
    })
    return app.listen({ host: '127.0.0.1', port: 0 })
  },
})
