import type { AttemptResult, Decision } from '@timers/core'
import { eventually, startTcpProxy } from '@timers/lab'
import { Redis } from 'ioredis'
import { BullDueTimer } from '../src/bull-due-timer.ts'
import { Fence } from '../src/fence.ts'
import type { RedisTimerStore } from '../src/redis-timer-store.ts'
import { delivered, draft, fired, type Hand, Rig, unknown } from './rig.ts'

const interrupted: AttemptResult = { outcome: 'interrupted', sentAt: 1, reason: 'lost' }
const neverSent: AttemptResult = { outcome: 'never_sent', sentAt: 2, reason: 'connection refused' }
const retryIn = (ms: number): Decision => ({ kind: 'retry', at: Date.now() + ms })

describe('the fence', () => {
  let rig: Rig
  let store: RedisTimerStore

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  beforeEach(async () => {
    store = await rig.store()
  })
  afterEach(() => rig.reset())

  /** A due timer in the hands of a worker. */
  async function due(): Promise<Hand & { id: number }> {
    const { id } = await store.create(draft(1))
    return { ...(await rig.take()), id }
  }

  const lock = (id: number) => rig.keys().key(`t${id}:lock`)

  /** One worker has claimed and is given up for lost; another holds the timer now and has declared it interrupted. */
  async function givenUp(decision: Decision = unknown) {
    const first = await due()
    expect(await first.due.claim()).toMatchObject({ kind: 'granted', attempt: 1 })
    await rig.stall(first)
    const second = await rig.take()
    expect(await second.due.claim()).toMatchObject({ kind: 'taken', attempt: 1 })
    const disposition = await second.due.record(1, interrupted, decision)
    return { first, second, disposition, id: first.id }
  }

  describe('claim', () => {
    test('is granted to who holds the job, and seen as firing', async () => {
      const { due: timer, id } = await due()
      expect((await store.find(id))?.status).toBe('pending')
      expect(await timer.claim()).toMatchObject({ kind: 'granted', attempt: 1 })
      expect(await store.find(id)).toMatchObject({ status: 'firing', attempts: 0 })
    })

    test('a resend of the same call is granted again, also when the lock has run out since', async () => {
      const { due: timer, id } = await due()
      await timer.claim()
      expect(await timer.claim()).toMatchObject({ kind: 'granted', attempt: 1 })
      await rig.client.del(lock(id))
      expect(await timer.claim()).toMatchObject({ kind: 'granted', attempt: 1 })
    })

    test('a resend is answered like the first call, also of a planned attempt after a redrive', async () => {
      const first = await due()
      await first.due.claim()
      await first.due.record(1, { outcome: 'blocked', sentAt: 1 }, { kind: 'final', status: 'failed' })
      await first.job.moveToFailed(new Error('failed'), first.token, false)
      await store.redrive(first.id)
      const second = await rig.take()
      const granted = await second.due.claim()
      expect(granted).toMatchObject({ kind: 'granted', attempt: 2, budget: { after: 1 } })
      expect(await second.due.claim()).toEqual(granted)
      await second.due.record(2, neverSent, retryIn(-1))
      await rig.stall(second)
      const third = await rig.take()
      const again = await third.due.claim()
      expect(again).toMatchObject({ attempt: 3, plannedAt: expect.any(Number), budget: { after: 1 } })
      expect(await third.due.claim()).toEqual(again)
    })

    test('a second worker finds it taken, and since when', async () => {
      const first = await due()
      const before = Date.now()
      await first.due.claim()
      await rig.stall(first)
      const second = await rig.take()
      const claim = await second.due.claim()
      expect(claim).toMatchObject({ kind: 'taken', attempt: 1 })
      if (claim.kind === 'taken') expect(claim.claimedAt).toBeGreaterThanOrEqual(before)
    })

    test('is lost with the lock, whether it ran out or is another worker’s', async () => {
      const first = await due()
      await rig.client.del(lock(first.id))
      expect(await first.due.claim()).toEqual({ kind: 'lost' })
      await rig.client.set(lock(first.id), 'another')
      expect(await first.due.claim()).toEqual({ kind: 'lost' })
      expect((await rig.hash(first.id)).ca).toBeUndefined()
    })

    test('of a removed job leaves no ghost behind', async () => {
      const { due: timer, id } = await due()
      await rig.client.del(rig.keys().key(`t${id}`))
      expect(await timer.claim()).toEqual({ kind: 'lost' })
      expect(await timer.recordNow(1, delivered(), fired)).toEqual({ kind: 'abandon' })
      expect(await rig.client.exists(rig.keys().key(`t${id}`))).toBe(0)
    })

    test('of a finished timer tells its status', async () => {
      const first = await due()
      await first.due.claim()
      await first.due.recordNow(1, delivered(), fired)
      await rig.stall(first)
      expect(await (await rig.take()).due.claim()).toEqual({ kind: 'finished', status: 'fired' })
    })

    test('before the time of a planned attempt is early', async () => {
      const first = await due()
      await first.due.claim()
      const at = Date.now() + 60_000
      await first.due.record(1, neverSent, { kind: 'retry', at })
      await rig.stall(first)
      const second = await rig.take()
      expect(await second.due.claim()).toEqual({ kind: 'early', at })
      expect(await store.find(first.id)).toMatchObject({ status: 'pending', attempts: 1, nextAttemptAt: at })
    })

    test('of the next attempt is granted once its time has come', async () => {
      const first = await due()
      await first.due.claim()
      await first.due.record(1, neverSent, retryIn(-1))
      await rig.stall(first)
      const second = await rig.take()
      expect(await second.due.claim()).toMatchObject({ kind: 'granted', attempt: 2 })
    })

    test('a peek tells the same and claims nothing', async () => {
      const first = await due()
      expect(await first.due.peek()).toEqual({ kind: 'free' })
      expect((await rig.hash(first.id)).ca).toBeUndefined()
      await first.due.claim()
      await rig.stall(first)
      expect(await (await rig.take()).due.peek()).toMatchObject({ kind: 'taken', attempt: 1 })
    })

    test('an attempt is granted once, however many ask at once, in whatever order, with resends', async () => {
      const other = new Redis(rig.redis.url)
      rig.onClose(() => other.disconnect())
      const fences = [rig.fence, new Fence(other)]
      for (let round = 0; round < 100; round += 1) {
        const first = await due()
        const claims = await Promise.all(
          Array.from({ length: 6 }, async (_, caller) => {
            const fence = fences[caller % 2] as Fence
            const timer = new BullDueTimer(first.job, first.token, rig.keys(), fence, rig.log)
            // Each asks twice, as a connection does that was cut before the reply.
            const answers = await Promise.all([timer.claim(), timer.claim()])
            return answers.map(({ kind }) => kind)
          }),
        )
        const granted = claims.filter((kinds) => kinds.includes('granted'))
        expect(granted).toEqual([['granted', 'granted']])
        expect(claims.filter((kinds) => kinds.every((kind) => kind === 'taken'))).toHaveLength(5)
        await first.job.moveToCompleted(null, first.token, false)
      }
    })

    test('a reply that was cut off is asked for again, and is a grant', async () => {
      const { job, token } = await due()
      const proxy = await startTcpProxy({ targetPort: rig.redis.port })
      const client = new Redis(proxy.port, { maxRetriesPerRequest: null, retryStrategy: () => 20 })
      client.on('error', () => {})
      rig.onClose(async () => {
        client.disconnect()
        await proxy.close()
      })
      const fence = new Fence(client)
      const timer = new BullDueTimer(job, token, rig.keys(), fence, rig.log)
      // The script is known to the server after this, so that the next reply is the claim's.
      await timer.peek()
      const cut = proxy.cutReplies()
      expect(await timer.claim()).toMatchObject({ kind: 'granted', attempt: 1 })
      await cut
    })
  })

  describe('a worker that was given up for lost before it heard of its grant', () => {
    test('never sent and the timer stayed unknown: its resend is granted, and its outcome corrects', async () => {
      const { first, id } = await givenUp()
      expect((await store.find(id))?.status).toBe('unknown')
      expect(await first.due.claim()).toMatchObject({ kind: 'granted', attempt: 1 })
      await first.due.recordNow(1, delivered(5), fired)
      expect(await store.find(id)).toMatchObject({ status: 'fired', attempts: 1, firedAt: 5 })
    })

    test('is not granted what another worker will try again', async () => {
      const { first } = await givenUp(retryIn(60_000))
      expect(await first.due.claim()).toEqual({ kind: 'lost' })
    })

    test('is not granted anything once an operator has had the timer sent again', async () => {
      const { first, second, id } = await givenUp()
      await second.job.moveToFailed(new Error('unknown'), second.token, false)
      await store.redrive(id)
      expect(await first.due.claim()).toEqual({ kind: 'lost' })
      const third = await rig.take()
      expect(await third.due.claim()).toMatchObject({ kind: 'granted', attempt: 2 })
      expect(await first.due.claim()).toEqual({ kind: 'lost' })
    })
  })

  describe('record', () => {
    test('writes what happened and what follows', async () => {
      const { due: timer, id } = await due()
      await timer.claim()
      const disposition = await timer.recordNow(
        1,
        { ...delivered(timer.timer.dueAt + 7), connectMs: 1 },
        fired,
      )
      expect(disposition).toMatchObject({ kind: 'finish', status: 'fired' })
      expect(await store.find(id)).toMatchObject({
        status: 'fired',
        attempts: 1,
        latenessMs: 7,
        responseStatus: 200,
        log: [{ attempt: 1, outcome: 'delivered', connectMs: 1 }],
      })
    })

    test('twice is the same as once', async () => {
      const { due: timer, id } = await due()
      await timer.claim()
      const once = await timer.recordNow(1, delivered(), fired)
      const hash = await rig.hash(id)
      expect(await timer.recordNow(1, delivered(), fired)).toEqual(once)
      expect(await rig.hash(id)).toEqual(hash)
    })

    test('a retry twice is the same as once', async () => {
      const { due: timer, id } = await due()
      await timer.claim()
      const at = Date.now() + 5_000
      expect(await timer.record(1, neverSent, { kind: 'retry', at })).toEqual({ kind: 'delay', until: at })
      const again: Decision = { kind: 'retry', at: at + 1 }
      expect(await timer.record(1, neverSent, again)).toEqual({ kind: 'delay', until: at })
      expect((await store.find(id))?.attempts).toBe(1)
    })

    test('the first word stands: a late interrupted changes nothing', async () => {
      const first = await due()
      await first.due.claim()
      await rig.stall(first)
      const second = await rig.take()
      await second.due.claim()
      expect(await first.due.recordNow(1, delivered(), fired)).toEqual({ kind: 'abandon' })
      const disposition = await second.due.record(1, interrupted, unknown)
      expect(disposition).toMatchObject({ kind: 'finish', status: 'fired' })
      expect((await store.find(first.id))?.log).toHaveLength(1)
    })

    test('a worker that lost the job still writes, and lets go', async () => {
      const { due: timer, id } = await due()
      await timer.claim()
      await rig.client.del(lock(id))
      expect(await timer.recordNow(1, delivered(), fired)).toEqual({ kind: 'abandon' })
      expect((await store.find(id))?.status).toBe('fired')
    })

    test('keeps the last ten attempts, and counts them all', async () => {
      const { due: timer, id } = await due()
      for (let attempt = 1; attempt <= 12; attempt += 1) {
        const again = new BullDueTimer(
          timer.timer && (await jobOf(id)),
          'hand',
          rig.keys(),
          rig.fence,
          rig.log,
        )
        await rig.client.set(lock(id), 'hand')
        expect(await again.claim()).toMatchObject({ kind: 'granted', attempt })
        await again.record(attempt, neverSent, retryIn(-1))
      }
      const record = await store.find(id)
      expect(record?.attempts).toBe(12)
      expect(record?.log.map(({ attempt }) => attempt)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    })

    async function jobOf(id: number) {
      const { data, timestamp, opts } = await rig.hash(id)
      return {
        id: `t${id}`,
        data: JSON.parse(String(data)),
        timestamp: Number(timestamp),
        opts: JSON.parse(String(opts)),
      }
    }
  })

  describe('a late outcome', () => {
    const endAsUnknown = async (hand: Hand) =>
      hand.job.moveToFailed(new Error('unknown: lost'), hand.token, false)

    test('corrects unknown to fired, and the job moves from failed to completed', async () => {
      const { first, second, id } = await givenUp()
      await endAsUnknown(second)
      expect(await rig.places(id)).toEqual(['failed'])
      await first.due.recordNow(1, delivered(5), fired)
      expect(await rig.places(id)).toEqual(['completed'])
      expect(await store.find(id)).toMatchObject({
        status: 'fired',
        attempts: 1,
        log: [{ outcome: 'delivered' }],
      })
      expect(await rig.hash(id)).not.toHaveProperty('failedReason')
    })

    test('corrects unknown to failed, with the reason', async () => {
      const { first, second, id } = await givenUp()
      await endAsUnknown(second)
      const rejected: AttemptResult = { outcome: 'rejected', sentAt: 5, responseStatus: 500 }
      await first.due.record(1, rejected, { kind: 'final', status: 'failed' })
      expect(await rig.places(id)).toEqual(['failed'])
      expect(await store.find(id)).toMatchObject({ status: 'failed', responseStatus: 500 })
      expect((await rig.hash(id)).failedReason).toBe('rejected: status 500')
    })

    test('that it never left brings the timer back to life', async () => {
      const { first, second, id } = await givenUp()
      await endAsUnknown(second)
      await first.due.record(1, neverSent, retryIn(30))
      expect(await rig.places(id)).toEqual(['delayed'])
      expect((await store.find(id))?.status).toBe('pending')
      const third = await rig.take()
      expect(await third.due.claim()).toMatchObject({ kind: 'granted', attempt: 2 })
    })

    test('wakes a worker that waits for nothing in particular', async () => {
      const { first, second, id } = await givenUp()
      await endAsUnknown(second)
      const seen: number[] = []
      await rig.consumer({
        handle: async (timer) => {
          seen.push(timer.timer.id)
          return { kind: 'finish', status: 'fired' }
        },
      })
      await first.due.record(1, neverSent, retryIn(100))
      await eventually(() => expect(seen).toEqual([id]))
    })

    test('came between the record and the end of who had given it up, and the timer was pending for ever', async () => {
      const { first, second, id } = await givenUp()
      await first.due.record(1, neverSent, retryIn(-1))
      await endAsUnknown(second).catch(() => {})
      expect(await rig.places(id)).toEqual(['active'])
      await rig.stall(second)
      const third = await rig.take()
      expect(await third.due.claim()).toMatchObject({ kind: 'granted', attempt: 2 })
    })

    test('that it fired, at the same moment: ends as completed after all', async () => {
      const { first, second, id } = await givenUp()
      await first.due.recordNow(1, delivered(), fired)
      await endAsUnknown(second).catch(() => {})
      expect(await rig.places(id)).toEqual(['active'])
      await rig.stall(second)
      expect(await (await rig.take()).due.claim()).toEqual({ kind: 'finished', status: 'fired' })
    })

    test('finds the next attempt planned: that one is not sent any more', async () => {
      const { first, second, id } = await givenUp(retryIn(20))
      await second.job.moveToDelayed(Date.now() + 20, second.token)
      await first.due.recordNow(1, delivered(5), fired)
      expect(await store.find(id)).toMatchObject({ status: 'fired', attempts: 1, firedAt: 5 })
      expect(await (await rig.take()).due.claim()).toEqual({ kind: 'finished', status: 'fired' })
    })

    test('finds a later attempt claimed: changes only the log', async () => {
      const { first, second, id } = await givenUp(retryIn(-1))
      await rig.stall(second)
      const third = await rig.take()
      expect(await third.due.claim()).toMatchObject({ kind: 'granted', attempt: 2 })
      await first.due.recordNow(1, delivered(5), fired)
      expect(await store.find(id)).toMatchObject({
        status: 'firing',
        attempts: 1,
        log: [{ outcome: 'delivered' }],
      })
      expect(await third.due.recordNow(2, delivered(9), fired)).toMatchObject({ kind: 'finish' })
      expect(await store.find(id)).toMatchObject({ status: 'fired', attempts: 2, firedAt: 5 })
    })

    test('finds a later attempt ended: is told in the log, and when it first left', async () => {
      const { first, second, id } = await givenUp(retryIn(-1))
      await rig.stall(second)
      const third = await rig.take()
      await third.due.claim()
      await third.due.record(
        2,
        { outcome: 'rejected', sentAt: 9, responseStatus: 500 },
        {
          kind: 'final',
          status: 'failed',
        },
      )
      await first.due.recordNow(1, delivered(5), fired)
      expect(await store.find(id)).toMatchObject({
        status: 'failed',
        attempts: 2,
        firedAt: 5,
        responseStatus: 500,
        log: [{ outcome: 'delivered' }, { outcome: 'rejected' }],
      })
    })

    test('twice is the same as once', async () => {
      const { first, second, id } = await givenUp()
      await endAsUnknown(second)
      await first.due.recordNow(1, delivered(5), fired)
      const hash = await rig.hash(id)
      await first.due.recordNow(1, delivered(6), fired)
      expect(await rig.hash(id)).toEqual(hash)
    })
  })

  test('a timer stays a listpack through all of it', async () => {
    const { first, second, id } = await givenUp()
    await second.job.moveToFailed(new Error('unknown'), second.token, false)
    await first.due.recordNow(1, delivered(), fired)
    expect(await rig.client.object('ENCODING', rig.keys().key(`t${id}`))).toBe('listpack')
  })
})
