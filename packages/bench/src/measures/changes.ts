import type { Installation, Listening } from '@timers/lab'
import { figure } from '../figure.ts'
import { type ClosedLoop, CONNECTIONS, LoadGenerator, NUMBERS_LEFT_OUT } from '../load.ts'
import { measure } from '../measure.ts'
import { processorMs } from '../processor-time.ts'
import { calm } from '../redis-memory.ts'
import { NOWHERE } from './creates.ts'

const LONG_SECONDS = 20 * 86_400
const BODY = JSON.stringify({ seconds: LONG_SECONDS, url: NOWHERE })

/** `{n}` is another number each time: with `byId` the id of a timer that waits. */
interface Request extends Pick<ClosedLoop, 'method' | 'headers' | 'body'> {
  readonly what: string
  readonly path: string
  readonly byId?: true
}

/** In this order: what is sent again finds the key of the one before. */
const REQUESTS = {
  // Numbered too, so that all of them cost the load generator the same.
  create: {
    what: 'POST /timers',
    method: 'POST',
    path: '/timers',
    headers: { 'x-number': '{n}' },
    body: BODY,
  },
  idempotent: {
    what: 'POST /timers with an Idempotency-Key',
    method: 'POST',
    path: '/timers',
    headers: { 'idempotency-key': 'order-{n}' },
    body: BODY,
  },
  replayed: {
    what: 'POST /timers with an Idempotency-Key that came before',
    method: 'POST',
    path: '/timers',
    headers: { 'idempotency-key': 'order-{n}' },
    body: BODY,
  },
  keyed: {
    what: 'PUT /timers/by-key/:key, created',
    method: 'PUT',
    path: '/timers/by-key/order-{n}',
    body: BODY,
  },
  keyedAgain: {
    what: 'PUT /timers/by-key/:key, changed',
    method: 'PUT',
    path: '/timers/by-key/order-{n}',
    body: BODY,
  },
  reschedule: {
    what: 'PATCH /timers/:id, another time',
    method: 'PATCH',
    path: '/timers/{n}',
    body: JSON.stringify({ seconds: LONG_SECONDS + 60 }),
    byId: true,
  },
  fire: { what: 'POST /timers/:id/fire', method: 'POST', path: '/timers/{n}/fire', byId: true },
  cancel: { what: 'DELETE /timers/:id', method: 'DELETE', path: '/timers/{n}', byId: true },
} as const satisfies Readonly<Record<string, Request>>

type Verb = keyof typeof REQUESTS
const VERBS = Object.keys(REQUESTS) as readonly Verb[]

interface Cost {
  readonly perSecond: number
  /** Processor time of one of them, in microseconds. */
  readonly apiUs: number
  readonly redisUs: number
}

/** What clients do with timers beside creating them, each beside a plain create of the same run. No worker runs. */
export const changes = measure('changes', async ({ scale, install, use, repeat }) => {
  const installation = await install()
  const load = await use(new LoadGenerator())
  const api = await installation.startApi()
  let keysFrom = 0
  const runAll = async (count: number): Promise<Readonly<Record<Verb, Cost>>> => {
    const spare = CONNECTIONS * NUMBERS_LEFT_OUT
    keysFrom += count + spare
    const costs: Partial<Record<Verb, Cost>> = {}
    for (const verb of VERBS) {
      const request: Request = REQUESTS[verb]
      const numbersFrom = request.byId ? await newTimers(api, load, count + spare) : keysFrom
      costs[verb] = await costOf(request, { installation, api, load }, { numbersFrom, count })
    }
    return costs as Record<Verb, Cost>
  }
  if (scale.warmUp > 0) await runAll(scale.warmUp)
  const results = await repeat(() => runAll(scale.burst), told)
  const perSecond = (verb: Verb) => results.map((result) => result[verb].perSecond)
  return {
    figures: VERBS.filter((verb) => verb !== 'create').map((verb) =>
      figure({
        what: REQUESTS[verb].what,
        unit: '/s',
        values: perSecond(verb),
        reference: { what: REQUESTS.create.what, values: perSecond('create') },
      }),
    ),
    details: results,
  }
})

/** Timers that wait, one after the other, from the id that is returned. */
async function newTimers({ url }: Listening, load: LoadGenerator, count: number): Promise<number> {
  const headers = { 'content-type': 'application/json' }
  const reply = await fetch(`${url}/timers`, { method: 'POST', headers, body: BODY })
  const { id } = (await reply.json()) as { id: number }
  await load.create(url, NOWHERE, LONG_SECONDS, { amount: count })
  return id
}

interface On {
  readonly installation: Installation
  readonly api: Listening
  readonly load: LoadGenerator
}

async function costOf(
  { what: _, path, byId: __, ...request }: Request,
  { installation, api, load }: On,
  { numbersFrom, count }: { readonly numbersFrom: number; readonly count: number },
): Promise<Cost> {
  await calm(installation)
  const pids = [api.pid, installation.redis.pid ?? 0]
  const before = pids.map((pid) => processorMs(pid) ?? 0)
  const { perSecond } = await load.closedLoop({
    ...request,
    url: api.url,
    paths: [path],
    numbersFrom,
    connections: CONNECTIONS,
    stop: { amount: count },
  })
  const [apiUs = 0, redisUs = 0] = pids.map(
    (pid, index) => (((processorMs(pid) ?? 0) - (before[index] ?? 0)) * 1_000) / count,
  )
  return { perSecond, apiUs, redisUs }
}

/** Rates, and the processor time of the API and of Redis. */
function told(costs: Readonly<Record<Verb, Cost>>): string {
  return VERBS.map((verb) => {
    const { perSecond, apiUs, redisUs } = costs[verb]
    return `${verb} ${Math.round(perSecond)}/s (API ${Math.round(apiUs)} us, Redis ${Math.round(redisUs)} us)`
  }).join(', ')
}
