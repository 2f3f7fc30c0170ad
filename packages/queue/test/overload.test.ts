import { jest } from '@jest/globals'
import type { DueTimer } from '@timers/core'
import { eventually } from '@timers/lab'
import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { tuneScripts } from '../src/consumer/bullmq-scripts.ts'
import { oldestOverdue } from '../src/consumer/overdue.ts'
import { Shards } from '../src/shards/shards.ts'
import { delivered, fired, Rig } from './rig.ts'

/** What promotion leaves in `wait` at the most, and those in hand that may have stalled. */
const SHORT = 29
const MANY = 5_000
const HOUR = 3_600_000
const DATA = JSON.stringify({ u: 'https://receiver.example/hook' })

/** docs/adr/0010-after-a-downtime.md */
describe('after a downtime', () => {
  let rig: Rig
  let ids: number

  beforeAll(async () => {
    rig = await Rig.start()
  })
  beforeEach(() => {
    ids = 0
  })
  afterEach(() => rig.reset())
  afterAll(() => rig.close())

  /** Timers that are due at these instants, which may lie in the past. */
  const seed = (dueAts: readonly number[]): Promise<number[]> =>
    Promise.all(
      dueAts.map(async (dueAt) => {
        ids += 1
        const id = ids
        await rig.clients.create({ id, data: DATA, createdAt: dueAt - 2 * HOUR, dueAt, owner: '' })
        return id
      }),
    )
  /** A millisecond and more apart, up to an hour old, the oldest first. */
  const overdue = (count: number): Promise<number[]> => {
    const from = Date.now() - HOUR
    return seed(Array.from({ length: count }, (_, index) => from + index * 100))
  }

  /** A consumer that fires at once, and all that was taken, in order. */
  async function consumer(handled: (due: DueTimer) => Promise<void> | void = () => {}) {
    const taken: { readonly id: number; readonly at: number }[] = []
    await rig.consumer({
      concurrency: 20,
      handle: async (due) => {
        taken.push({ id: due.timer.id, at: Date.now() })
        await handled(due)
        const claim = await due.claim()
        if (claim.kind === 'granted') await due.settle(claim.attempt, delivered(), fired)
      },
    })
    return taken
  }

  const completed = () => rig.client.zcard(rig.keys().key('completed'))
  const inOrder = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)

  /** Fetches one timer after the other, as a Worker of ours does. */
  function fetching(): () => Promise<number | undefined> {
    const client = new Redis(rig.redis.url, { maxRetriesPerRequest: null, protocol: 2 })
    tuneScripts(client, '7.0.15')
    const worker = new Worker(rig.keys().queueName, undefined, {
      connection: client,
      prefix: rig.prefix,
      autorun: false,
      lockDuration: 60_000,
    })
    worker.on('error', () => {})
    rig.onClose(async () => {
      await worker.close(true)
      client.disconnect()
    })
    return async () => {
      const job = await worker.getNextJob('token', { block: false })
      return job?.id === undefined ? undefined : Number(job.id.slice(1))
    }
  }

  test('a million overdue timers lay in `wait`, where nothing could pass them: it stays short, and all fire once', async () => {
    const old = await overdue(MANY)
    let longest = 0
    const taken = await consumer(async () => {
      if (taken.length % 50 === 0) longest = Math.max(longest, await rig.client.llen(rig.keys().key('wait')))
    })
    await eventually(async () => expect(await completed()).toBe(MANY), { timeoutMs: 30_000 })
    expect(longest).toBeGreaterThan(0)
    expect(longest).toBeLessThanOrEqual(SHORT)
    expect(inOrder(taken.map(({ id }) => id))).toEqual(old)
  })

  test('what came due after the restart was stuck behind all that was overdue', async () => {
    await overdue(MANY)
    const soon = Date.now() + 400
    const [fresh] = await seed([soon])
    const taken = await consumer()
    await eventually(() => expect(taken.map(({ id }) => id)).toContain(fresh), { timeoutMs: 30_000 })
    const place = taken.findIndex(({ id }) => id === fresh)
    const takenBefore = taken.findIndex(({ at }) => at >= soon)
    expect(taken[place]?.at).toBeGreaterThanOrEqual(soon)
    // Behind what is in `wait` and in hand already.
    expect(place - takenBefore).toBeLessThan(2 * SHORT)
  })

  test('nothing starves: with as many new ones as can be taken, half of all taken are the oldest', async () => {
    const fetch = fetching()
    const old = await overdue(100)
    const seen: (number | undefined)[] = []
    for (let round = 0; round < 2 * old.length + SHORT; round += 1) {
      await seed([Date.now()])
      seen.push(await fetch())
    }
    const oldOnes = seen.filter((id) => id !== undefined && id <= old.length)
    expect(inOrder(oldOnes as number[])).toEqual(old)
    const firstHalf = seen.slice(0, 100).filter((id) => id !== undefined && id <= old.length)
    // Not all of them before the first of the new ones either.
    expect(firstHalf.length).toBeGreaterThanOrEqual(40)
    expect(firstHalf.length).toBeLessThanOrEqual(80)
  })

  test('what is due for less than a second is taken in the order of its due times', async () => {
    const fetch = fetching()
    const now = Date.now()
    const recent = await seed(Array.from({ length: 60 }, (_, index) => now - 300 + index))
    // A second may pass meanwhile where the machine is busy.
    const clock = jest.spyOn(Date, 'now').mockReturnValue(now)
    try {
      const seen: (number | undefined)[] = []
      for (const _ of recent) seen.push(await fetch())
      expect(seen).toEqual(recent)
    } finally {
      clock.mockRestore()
    }
  })

  test('a burst in one millisecond fires whole, each once', async () => {
    const dueAt = Date.now() + 1_000
    const burst = await seed(Array.from({ length: 3_000 }, () => dueAt))
    const taken = await consumer()
    await eventually(async () => expect(await completed()).toBe(burst.length), { timeoutMs: 30_000 })
    expect(inOrder(taken.map(({ id }) => id))).toEqual(burst)
    expect(Math.min(...taken.map(({ at }) => at))).toBeGreaterThanOrEqual(dueAt)
  })

  test('two consumers share what is overdue, and `wait` stays short', async () => {
    await overdue(1_000)
    let longest = 0
    const look = async () => {
      longest = Math.max(longest, await rig.client.llen(rig.keys().key('wait')))
    }
    const both = [await consumer(look), await consumer(look)]
    await eventually(async () => expect(await completed()).toBe(1_000), { timeoutMs: 30_000 })
    expect(both.flat()).toHaveLength(1_000)
    expect(longest).toBeLessThanOrEqual(SHORT)
  })

  test('the watchdog looked at the next one of `wait`, which is not always the one that has waited longest', async () => {
    const fetch = fetching()
    const now = Date.now()
    const old = await seed(Array.from({ length: 40 }, (_, index) => now - HOUR + index * 60_000))
    expect(await fetch()).toBe(old[0])
    const shards = new Shards(
      { redisUrl: rig.redis.url, shards: 1, prefix: rig.prefix, log: rig.log },
      { changes: false },
    )
    rig.onClose(() => shards.close())
    await shards.whenVerified()
    expect(await oldestOverdue(shards.all, now)).toEqual({
      id: old[1],
      since: now - HOUR + 60_000,
      paused: false,
    })
  })

  test('a pause leaves what is due in `delayed`, and nobody sleeps over it when it ends', async () => {
    const queue = rig.queue()
    await queue.pause()
    // More than `wait` takes, and few: what they take must be far from what a sleep takes.
    const old = await overdue(60)
    const taken = await consumer()
    const fetch = fetching()
    for (let round = 0; round < 20; round += 1) expect(await fetch()).toBeUndefined()
    expect(await rig.client.llen(rig.keys().key('wait'))).toBeLessThanOrEqual(SHORT)
    expect(taken).toEqual([])
    await queue.resume()
    // A Worker that went to sleep beside due timers would wake after five seconds.
    await eventually(async () => expect(await completed()).toBe(old.length), { timeoutMs: 4_000 })
  })
})
