import type { TSchema } from '@sinclair/typebox'
import { fastify } from 'fastify'
import { changeTimerBody, createTimerBody, resolveTimerBody } from '../schemas/timer-bodies.ts'
import { serverOptions } from '../server-options.ts'
import type { Problem } from './problem.ts'
import { validationProblem } from './validation-problem.ts'

/** What a route with this schema finds in a body. */
async function judged(schema: TSchema, body: unknown): Promise<Problem | undefined> {
  let found: Problem | undefined
  const app = fastify({ ajv: serverOptions.ajv ?? {} })
  app.post('/', { schema: { body: schema } }, async () => 'valid')
  app.setErrorHandler<{ validation?: [] }>((error, _request, reply) => {
    found = validationProblem(error.validation ?? [], schema)
    reply.send()
  })
  await app.inject({
    method: 'POST',
    url: '/',
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify(body),
  })
  await app.close()
  return found
}

const timer = { seconds: 1, url: 'https://a.b' }

describe('what is wrong with a body', () => {
  it.each<[string, TSchema, object, string, string]>([
    ['a field', createTimerBody, { ...timer, key: 7 }, 'key', 'key must be text'],
    [
      'a field within a field',
      createTimerBody,
      { ...timer, callback: { url: 7 } },
      'callback.url',
      'callback.url must be text: an absolute URL',
    ],
    [
      'an item of a list within a field',
      createTimerBody,
      { ...timer, callback: { url: 'https://a.b', on: ['failed', 7] } },
      'callback.on',
      'callback.on must be a list of final statuses',
    ],
    [
      'a list that is none',
      createTimerBody,
      { ...timer, callback: { url: 'https://a.b', on: 'failed' } },
      'callback.on',
      'callback.on must be a list of final statuses',
    ],
    [
      'a field that is missing within a field',
      createTimerBody,
      { ...timer, callback: {} },
      'callback.url',
      'callback.url is required and must be text',
    ],
    [
      'an unknown field within a field',
      createTimerBody,
      { ...timer, callback: { url: 'https://a.b', off: [] } },
      'callback.off',
      'callback.off is not a field of a callback; allowed are url and on',
    ],
    ['an item of a list', createTimerBody, { ...timer, labels: ['a', 7] }, 'labels', 'labels must be a list'],
    [
      'one header',
      createTimerBody,
      { ...timer, headers: { 'x-a': 7 } },
      'headers',
      'headers must be an object',
    ],
    [
      'no time at all',
      createTimerBody,
      { url: 'https://a.b' },
      'seconds',
      'give at least one of hours, minutes and seconds, or in, or at, or at_local with timezone',
    ],
    [
      'a field that may be null, but is neither',
      changeTimerBody,
      { callback: 'x' },
      'callback',
      'or null to take it away',
    ],
    ['a field that may not be null', changeTimerBody, { url: null }, 'url', 'url must be text'],
    [
      'a field that cannot change',
      changeTimerBody,
      { key: 'a' },
      'key',
      'key is not a field of a change; allowed are hours, minutes',
    ],
    [
      'a field that is named like a part of every object',
      changeTimerBody,
      { constructor: 1 },
      'constructor',
      'constructor is not a field of a change',
    ],
    ['an enum', resolveTimerBody, { as: 'lost' }, 'as', 'as must be fired or failed'],
    [
      'a text that is too long',
      resolveTimerBody,
      { as: 'fired', note: 'x'.repeat(501) },
      'note',
      'note must be text of at most 500 characters',
    ],
  ])('%s', async (_name, schema, body, field, message) => {
    const found = await judged(schema, body)
    expect(found).toMatchObject({ status: 400, code: 'INVALID_BODY' })
    expect(found?.errors).toEqual([{ field, message: expect.stringContaining(message) }])
    expect(found?.detail).toContain(message)
  })

  it('is nothing where null takes a field away', async () => {
    const nothing = { headers: null, labels: null, expires_in: null, callback: null }
    expect(await judged(changeTimerBody, nothing)).toBeUndefined()
  })
})
