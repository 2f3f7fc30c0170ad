import { createServer, type Socket } from 'node:net'
import { type Receiver as HealthyReceiver, percentile, startReceiver } from '@timers/lab'
import { figure } from '../figure.ts'
import { measure } from '../measure.ts'
import { TimerSeeder } from '../timer-seeder.ts'

const HEALTHY = 30
/** How often a timer to a healthy receiver comes due, in milliseconds. */
const EVERY_MS = 10
/** All timers are created this long before the silent ones are due, in milliseconds. */
const AHEAD_MS = 4_000

/**
 * How late timers to healthy receivers are beside as many silent ones as there are timers to them, each a host of its
 * own, all due in the same instant. One worker process, the defaults in `DELIVERY_MAX_PER_ORIGIN` and hands.
 */
export const silent = measure('silent', async ({ scale, install, use, repeat }) => {
  const { count, watchMs } = scale.silent
  const installation = await install()
  const seeder = await use(TimerSeeder.start(installation.redis.url))
  const healthy = await use(startHealthy())
  const accepting = await use(startSilent())
  await installation.startWorker({ DELIVERY_MAX_PER_ORIGIN: 20 })
  const soon = Date.now() + 1_500
  await seeder.seedEach(HEALTHY, (index) => ({ url: healthy.urlOf(index), dueAt: soon }))
  await healthy.arrivals(HEALTHY)
  let round = 0
  const once = async () => {
    round += 1
    const dueAt = Date.now() + AHEAD_MS
    await seeder.seedEach(count, (index) => ({ url: accepting.urlOf(round, index), dueAt }))
    const beside = watchMs / EVERY_MS
    const dueById = await seeder.seedEach(HEALTHY + beside, (index) => ({
      url: healthy.urlOf(index),
      dueAt: dueAt + Math.max(0, index - HEALTHY) * EVERY_MS,
    }))
    const before = healthy.count()
    const arrived = await healthy.arrivals(before + dueById.size)
    const late = arrived
      .map(({ id, receivedAt }) => ({ due: dueById.get(id) ?? 0, ms: receivedAt - (dueById.get(id) ?? 0) }))
      .filter(({ due }) => due > 0)
    accepting.drop()
    const p99 = (of: typeof late) =>
      percentile(
        of.map(({ ms }) => ms),
        0.99,
      )
    return {
      all: p99(late),
      instant: p99(late.filter(({ due }) => due < dueAt + EVERY_MS)),
      later: p99(late.filter(({ due }) => due >= dueAt + 1_000)),
    }
  }
  const results = await repeat(once)
  const goal = { on: 'value', atMost: 250 } as const
  const row = (what: string, name: 'all' | 'instant' | 'later', bound?: typeof goal) =>
    figure({
      what: `lateness p99 of healthy receivers beside ${count.toLocaleString('en-US')} silent ones, ${what}`,
      unit: 'ms',
      values: results.map((result) => result[name]),
      ...(bound !== undefined && { goal: bound }),
    })
  return {
    figures: [
      row(`over ${watchMs / 1_000} s`, 'all', goal),
      row('due in the same instant', 'instant'),
      row('due a second later and on', 'later', goal),
    ],
    details: results,
  }
})

/** Receivers that answer at once, in this process: a hundred requests a second among them. */
async function startHealthy() {
  const receivers = await Promise.all(Array.from({ length: HEALTHY }, () => startReceiver()))
  const all = () => receivers.flatMap(({ requests }) => requests)
  return {
    urlOf: (index: number) => (receivers[index % HEALTHY] as HealthyReceiver).hookUrl,
    count: () => all().length,
    arrivals: async (count: number) => {
      while (all().length < count) await new Promise((resolve) => setTimeout(resolve, 50))
      return all()
    },
    stop: () => Promise.all(receivers.map((receiver) => receiver.close())),
  }
}

/** Accepts connections on every address of 127.0.0.0/8, each a host of its own, and never answers. */
async function startSilent() {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  const port = await new Promise<number>((resolve) =>
    server.listen({ port: 0, host: '0.0.0.0', backlog: 4_096 }, () =>
      resolve((server.address() as { port: number }).port),
    ),
  )
  return {
    urlOf: (round: number, index: number) =>
      `http://127.${round}.${1 + Math.floor(index / 200)}.${1 + (index % 200)}:${port}/hook`,
    drop: () => {
      for (const socket of sockets) socket.destroy()
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
