import { eventually, startTestRedis, type TestRedis } from '@timers/lab'
import type { HTTPMethods, LightMyRequestResponse } from 'fastify'
import { type Hand, startHand } from './hand.ts'
import { startTestApi, type TestApi } from './test-api.ts'

/** An API on a Redis of its own, and a hand that fires what is due. */
export interface ApiBed {
  readonly redis: TestRedis
  readonly api: TestApi
  readonly hand: Hand
  send(
    method: HTTPMethods,
    url: string,
    body?: string | object,
    headers?: Record<string, string>,
  ): Promise<LightMyRequestResponse>
  /** Creates a timer of an hour, and gives its id. */
  create(fields?: object, headers?: Record<string, string>): Promise<number>
  /** Creates a timer and waits until it is so. */
  timerThatIs(status: 'firing' | 'fired' | 'failed' | 'unknown', fields?: object): Promise<number>
  /** How many timers there are in Redis. */
  timerCount(): Promise<number>
  close(): Promise<void>
}

const HOST = 'https://example.com'

export async function openApiBed(env: Record<string, string> = {}): Promise<ApiBed> {
  const redis = await startTestRedis()
  const api = await startTestApi({ redisUrl: redis.url, env })
  await api.ready()
  const hand = await startHand(redis.url, Number(env.TIMER_SHARDS ?? 1))

  const bed: ApiBed = {
    redis,
    api,
    hand,
    send: (method, url, body, headers = {}) =>
      api.app.inject({
        method: method as 'GET',
        url,
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { payload: body }),
      }),
    create: async (fields = {}, headers = {}) => {
      const reply = await bed.send('POST', '/timers', { hours: 1, url: `${HOST}/hook`, ...fields }, headers)
      expect([reply.statusCode, reply.payload]).toEqual([201, expect.stringContaining('"id":')])
      return reply.json().id
    },
    timerThatIs: async (status, fields = {}) => {
      const now = new Date().toISOString()
      const reply = await bed.send('POST', '/timers', { at: now, url: `${HOST}/${status}`, ...fields })
      expect([reply.statusCode, reply.payload]).toEqual([201, expect.stringContaining('"id":')])
      const { id } = reply.json()
      await eventually(async () => expect((await api.find(id))?.status).toBe(status), { timeoutMs: 10_000 })
      return id
    },
    timerCount: async () =>
      ((await redis.command('KEYS', '*')) as string[]).filter((key) => /:t\d+$/.test(key)).length,
    close: async () => {
      await hand.stop()
      await api.close()
      await redis.stop()
    },
  }
  return bed
}

/** A refusal in the form that all have. */
export function expectProblem(
  reply: LightMyRequestResponse,
  status: number,
  code: string,
  members: object = {},
): void {
  expect([reply.statusCode, reply.json().code]).toEqual([status, code])
  expect(reply.headers['content-type']).toBe('application/problem+json')
  expect(reply.json()).toMatchObject({
    type: `urn:timers:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title: expect.any(String),
    status,
    detail: expect.any(String),
    instance: `urn:timers:request:${reply.headers['x-request-id']}`,
    ...members,
  })
}
