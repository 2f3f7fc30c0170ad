import { eventually, type Installation, type Listening } from '@timers/lab'
import { type Figure, figure } from '../figure.ts'
import { CONNECTIONS, LoadGenerator, NUMBERS_LEFT_OUT } from '../load.ts'
import { measure } from '../measure.ts'
import { Receiver } from '../receiver.ts'
import { usedBytes } from '../redis-memory.ts'
import { NOWHERE } from './creates.ts'

const LONG_SECONDS = 20 * 86_400
/** Timers of the kind that have to be fired, as a share of the others. */
const FIRED_SHARE = 0.2
/** Made before memory is read for the first time: scripts, the queue's own keys. */
const FIRST = 100

const CALLBACK = { url: 'http://127.0.0.1:9/callbacks/'.padEnd(44, 'x') }
const LABEL = { labels: ['customer:4711'] }
const EIGHT = { labels: Array.from({ length: 8 }, (_, index) => `customer:471${index}`) }
const KEY = { key: 'order-{n}' }
const IDEMPOTENT = { 'idempotency-key': 'order-{n}' }

/** A kind of timer: what is asked for beside time and URL. `{n}` is another number for each. */
interface Kind {
  readonly what: string
  readonly fields?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
  /** What becomes of it before memory is read. */
  readonly end?: 'cancelled' | 'fired'
  /** Most bytes of each, where there is a goal. */
  readonly atMost?: number
}

const KINDS: readonly Kind[] = [
  { what: 'a pending timer', atMost: 470 },
  { what: 'with a key', fields: KEY },
  { what: 'with a label that all have', fields: LABEL },
  { what: 'with a label that no other has', fields: { labels: ['customer:{n}'] } },
  { what: 'with 8 labels that all have', fields: EIGHT },
  { what: 'with an Idempotency-Key', headers: IDEMPOTENT },
  { what: 'with a callback', fields: { callback: CALLBACK } },
  { what: 'with expires_in', fields: { expires_in: 3_600 } },
  {
    what: 'with all of these, and 8 labels',
    fields: { ...KEY, ...EIGHT, callback: CALLBACK, expires_in: 3_600 },
    headers: IDEMPOTENT,
  },
  { what: 'a cancelled timer', end: 'cancelled' },
  {
    what: 'a cancelled timer whose callback asks for other ends',
    fields: { callback: { ...CALLBACK, on: ['fired'] } },
    end: 'cancelled',
  },
  {
    what: 'a cancelled timer and its callback, on its way',
    fields: { callback: CALLBACK },
    end: 'cancelled',
  },
  { what: 'a fired timer', end: 'fired' },
]

/** Bytes of Redis that a timer takes, by what it has: made through the API, a tenth as many as wait in `pending`. */
export const bytes = measure('bytes', async (bench) => {
  const load = await bench.use(new LoadGenerator())
  const receiver = await bench.use(Receiver.start())
  const figures: Figure[] = []
  const installation = await bench.install()
  for (const kind of KINDS) {
    const share = kind.end === 'fired' ? FIRED_SHARE : 1
    const count = Math.max(CONNECTIONS, Math.round((bench.scale.timers / 10) * share))
    const each = await bytesOf(kind, installation, { load, receiver, count })
    bench.log(`bytes: ${kind.what}: ${each.toFixed(1)}`)
    figures.push(
      figure({
        what: `bytes: ${kind.what}`,
        unit: 'B',
        values: [each],
        ...(kind.atMost !== undefined && { goal: { on: 'value', atMost: kind.atMost } as const }),
      }),
    )
  }
  return { figures }
})

interface With {
  readonly load: LoadGenerator
  readonly receiver: Receiver
  readonly count: number
}

async function bytesOf(
  { fields, headers, end }: Kind,
  installation: Installation,
  { load, receiver, count }: With,
): Promise<number> {
  await installation.redis.command('FLUSHALL')
  const api = await installation.startApi()
  const services = end === 'fired' ? [api, await installation.startWorker()] : [api]
  const url = end === 'fired' ? receiver.url : NOWHERE
  const seconds = end === 'fired' ? 1 : LONG_SECONDS
  const body = JSON.stringify({ seconds, url, ...fields })
  await receiver.reset({ recording: false })
  let made = 0
  const make = async (amount: number): Promise<void> => {
    const from = made + 1
    made += amount
    const request = { url: api.url, method: 'POST', paths: ['/timers'], body } as const
    await load.closedLoop({
      ...request,
      ...(headers && { headers }),
      // Some numbers may have been left out before.
      numbersFrom: from + CONNECTIONS * NUMBERS_LEFT_OUT,
      connections: CONNECTIONS,
      stop: { amount },
    })
    if (end === 'cancelled') await cancelAll(api)
    if (end === 'fired') {
      await receiver.until(made, 60_000 + made * 10)
      await settled(installation, made)
    }
  }
  await make(FIRST)
  const before = await usedBytes(installation)
  await make(count)
  const each = ((await usedBytes(installation)) - before) / count
  await Promise.all(services.map((service) => service.kill()))
  return each
}

async function cancelAll({ url }: Listening): Promise<void> {
  let cursor: string | undefined
  do {
    const reply = await fetch(`${url}/timers/cancel`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ filter: { status: 'pending' }, limit: 1_000, cursor }),
    })
    if (reply.status !== 200) throw new Error(`${reply.status}: ${await reply.text()}`)
    cursor = ((await reply.json()) as { readonly next_cursor?: string }).next_cursor
  } while (cursor !== undefined)
}

/** Arrived is not yet settled. */
function settled({ redis }: Installation, count: number): Promise<void> {
  return eventually(async () => {
    const finished = Number(await redis.command('ZCARD', 'timers:{0}:completed'))
    if (finished < count) throw new Error(`${finished} of ${count} are settled`)
  })
}
