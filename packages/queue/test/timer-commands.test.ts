import type { AttemptResult, Decision } from '@timers/core'
import { eventually, startTcpProxy } from '@timers/lab'
import { Redis } from 'ioredis'
import { clocks } from '../src/timers/due-timer.ts'
import { TimerCommands } from '../src/timers/timer-commands.ts'
import { rig, store, useBed } from './bed.ts'
import { delivered, draft, fired, type Hand, unknown } from './rig.ts'

const interrupted: AttemptResult = { outcome: 'interrupted', sentAt: 1, reason: 'lost' }
const neverSent: AttemptResult = { outcome: 'never_sent', sentAt: 2, reason: 'connection refused' }
const retryIn = (ms: number): Decision => ({ kind: 'retry', at: Date.now() + ms })

describe('the commands on a timer', () => {
  useBed()

  /** A due timer in the hands of a worker. */
  async function due(): Promise<Hand> {
    await store.create(draft(1))
    return rig.take()
  }

  const lock = (id: number) => rig.keys().key(`t${id}:lock`)

  /** One worker has claimed and is given up for lost; another has declared the attempt interrupted. */
  async function givenUp(decision: Decision = unknown) {
    const first = await due()
    expect(await first.due.claim()).toMatchObject({ kind: 'granted', attempt: 1 })
    await rig.stall(first)
    const second = await rig.take()
    expect(await second.due.claim()).toMatchObject({ kind: 'taken', attempt: 1 })
    await second.due.settle(1, interrupted, decision)
    return { first, second, id: first.id }
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
      await first.due.settle(1, { outcome: 'blocked', sentAt: 1 }, { kind: 'final', status: 'failed' })
      await store.redrive(first.id)
      const second = await rig.take()
      const granted = await second.due.claim()
      expect(granted).toMatchObject({ kind: 'granted', attempt: 2, budget: { after: 1 } })
      expect(await second.due.claim()).toMatchObject({ kind: 'granted', attempt: 2, budget: { after: 1 } })
      await second.due.settle(2, neverSent, retryIn(-1))
      const third = await rig.take()
      const again = { attempt: 3, plannedAt: expect.any(Number), budget: { after: 1 } }
      expect(await third.due.claim()).toMatchObject(again)
      expect(await third.due.claim()).toMatchObject(again)
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
      expect(await timer.settle(1, delivered(), fired)).toBeUndefined()
      await timer.defer(Date.now())
      expect(await rig.client.exists(rig.keys().key(`t${id}`))).toBe(0)
      expect(await rig.places(id)).toEqual([])
    })

    test('of a finished timer tells its status', async () => {
      const first = await due()
      await first.due.claim()
      await rig.stall(first)
      const second = await rig.take()
      // The first tells after all, before the second has asked.
      await first.due.settle(1, delivered(), fired)
      expect(await rig.places(first.id)).toEqual(['active'])
      expect(await second.due.claim()).toEqual({ kind: 'finished', status: 'fired' })
      await second.due.rest()
      expect(await rig.places(first.id)).toEqual(['completed'])
    })

    test('before the time of a planned attempt is early', async () => {
      const first = await due()
      await first.due.claim()
      await rig.stall(first)
      const second = await rig.take()
      const at = Date.now() + 60_000
      await first.due.settle(1, neverSent, { kind: 'retry', at })
      expect(await second.due.claim()).toEqual({ kind: 'early', at })
      await second.due.defer(at)
      expect(await rig.places(first.id)).toEqual(['delayed'])
      expect(await store.find(first.id)).toMatchObject({ status: 'pending', attempts: 1, nextAttemptAt: at })
    })

    test('of the next attempt is granted once its time has come', async () => {
      const first = await due()
      await first.due.claim()
      await first.due.settle(1, neverSent, retryIn(-1))
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
      const ways = [rig.commands, new TimerCommands(other, rig.keys())]
      for (let round = 0; round < 100; round += 1) {
        const first = await due()
        const claims = await Promise.all(
          Array.from({ length: 6 }, async (_, caller) => {
            const timer = await rig.due(first.id, first.token, ways[caller % 2])
            // Each asks twice, as a connection does that was cut before the reply.
            const answers = await Promise.all([timer.claim(), timer.claim()])
            return answers.map(({ kind }) => kind)
          }),
        )
        const granted = claims.filter((kinds) => kinds.includes('granted'))
        expect(granted).toEqual([['granted', 'granted']])
        expect(claims.filter((kinds) => kinds.every((kind) => kind === 'taken'))).toHaveLength(5)
        await first.due.settle(1, delivered(), fired)
      }
    })

    test('a reply that was cut off is asked for again, and is a grant', async () => {
      const { id, token } = await due()
      const proxy = await startTcpProxy({ targetPort: rig.redis.port })
      const client = new Redis(proxy.port, { maxRetriesPerRequest: null, retryStrategy: () => 20 })
      client.on('error', () => {})
      rig.onClose(async () => {
        client.disconnect()
        await proxy.close()
      })
      const timer = await rig.due(id, token, new TimerCommands(client, rig.keys()))
      // The script is known to the server after this, so that the next reply is the claim's.
      await timer.peek()
      const cut = proxy.cutReplies()
      expect(await timer.claim()).toMatchObject({ kind: 'granted', attempt: 1 })
      await cut
    })
  })

  describe('a worker that was given up for lost before it heard of its grant', () => {
    test('may not send any more; that it never did ends the timer, because `unknown` was told', async () => {
      const { first, id } = await givenUp()
      expect((await store.find(id))?.status).toBe('unknown')
      const claim = await first.due.claim()
      expect(claim).toMatchObject({ kind: 'granted', attempt: 1 })
      expect(claim.kind === 'granted' && claim.mayLeave()).toBe(false)
      expect(await first.due.settle(1, neverSent, retryIn(30))).toEqual({ status: 'failed', decided: true })
      expect(await rig.places(id)).toEqual(['failed'])
      expect(await store.find(id)).toMatchObject({
        status: 'failed',
        attempts: 1,
        log: [{ outcome: 'never_sent' }],
      })
      expect((await rig.hash(id)).failedReason).toBe('failed: never_sent: connection refused')
    })

    test('is not granted what another worker will try again', async () => {
      const { first } = await givenUp(retryIn(60_000))
      expect(await first.due.claim()).toEqual({ kind: 'lost' })
    })

    test('is not granted anything once an operator has had the timer sent again', async () => {
      const { first, id } = await givenUp()
      await store.redrive(id)
      expect(await first.due.claim()).toEqual({ kind: 'lost' })
      const third = await rig.take()
      expect(await third.due.claim()).toMatchObject({ kind: 'granted', attempt: 2 })
      expect(await first.due.claim()).toEqual({ kind: 'lost' })
    })
  })

  describe('a grant', () => {
    const LOCK_MS = 400

    /** A claim whose lock lasts only for a moment, and that is good. Again where that moment was over before it came. */
    const shortGrant = () =>
      eventually(async () => {
        await store.create(draft(1))
        const hand = await rig.take(LOCK_MS)
        const claim = await hand.due.claim()
        if (claim.kind !== 'granted') throw new Error(`not granted but ${claim.kind}`)
        expect(claim.mayLeave()).toBe(true)
        return { hand, claim }
      })

    test('that is acted on later than the lock could have lasted was still sent', async () => {
      const { hand, claim } = await shortGrant()
      await eventually(async () => expect(await rig.client.exists(lock(hand.id))).toBe(0))
      expect(claim.mayLeave()).toBe(false)
    })

    test('is good for longer where the lock was renewed, counted from when that was asked for', async () => {
      const { hand, claim } = await shortGrant()
      hand.due.renewed(clocks(), 60_000)
      await eventually(async () => expect(await rig.client.exists(lock(hand.id))).toBe(0))
      expect(claim.mayLeave()).toBe(true)
      // A renewal that was asked for long ago makes it no shorter.
      hand.due.renewed({ monotonic: 0, wall: 0 }, LOCK_MS)
      expect(claim.mayLeave()).toBe(true)
    })

    test('whose reply came later than the lock could have lasted was still sent', async () => {
      const proxy = await startTcpProxy({ targetPort: rig.redis.port })
      const client = new Redis(proxy.port, { maxRetriesPerRequest: null })
      client.on('error', () => {})
      rig.onClose(async () => {
        client.disconnect()
        await proxy.close()
      })
      await store.create(draft(1))
      const { id, token } = await rig.take()
      const timer = await rig.due(id, token, new TimerCommands(client, rig.keys()))
      await timer.peek()
      await proxy.setMode('hold-replies')
      // Only now: it must still be there when the claim is.
      await rig.client.pexpire(lock(id), 5 * LOCK_MS)
      const asked = timer.claim()
      await eventually(async () => expect((await rig.hash(id)).ca).toBeDefined())
      await eventually(async () => expect(await rig.client.exists(lock(id))).toBe(0))
      await proxy.setMode('forward')
      const claim = await asked
      expect(claim).toMatchObject({ kind: 'granted', attempt: 1 })
      expect(claim.kind === 'granted' && claim.mayLeave()).toBe(false)
    })
  })

  describe('settle', () => {
    test('writes what happened and what follows', async () => {
      const { due: timer, id } = await due()
      await timer.claim()
      const result = { ...delivered(timer.timer.dueAt + 7), connectMs: 1 }
      expect(await timer.settle(1, result, fired)).toEqual({ status: 'fired', decided: true })
      expect(await rig.places(id)).toEqual(['completed'])
      expect(await rig.client.exists(lock(id))).toBe(0)
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
      await timer.settle(1, delivered(), fired)
      const hash = await rig.hash(id)
      expect(await timer.settle(1, delivered(), fired)).toEqual({ status: 'fired', decided: false })
      expect(await rig.hash(id)).toEqual(hash)
    })

    test('a retry twice is the same as once', async () => {
      const { due: timer, id } = await due()
      await timer.claim()
      const at = Date.now() + 5_000
      expect(await timer.settle(1, neverSent, { kind: 'retry', at })).toMatchObject({ decided: true })
      const again: Decision = { kind: 'retry', at: at + 1 }
      expect(await timer.settle(1, neverSent, again)).toEqual({ status: undefined, decided: false })
      expect(await store.find(id)).toMatchObject({ attempts: 1, nextAttemptAt: at })
      expect(await rig.places(id)).toEqual(['delayed'])
    })

    test('the first word stands: a late interrupted changes nothing', async () => {
      const first = await due()
      await first.due.claim()
      await rig.stall(first)
      const second = await rig.take()
      await second.due.claim()
      expect(await first.due.settle(1, delivered(), fired)).toEqual({ status: 'fired', decided: true })
      expect(await second.due.settle(1, interrupted, unknown)).toEqual({ status: 'fired', decided: false })
      expect((await store.find(first.id))?.log).toHaveLength(1)
      expect(await rig.places(first.id)).toEqual(['completed'])
    })

    test.each(['active', 'wait'])('a worker that lost the job still writes: it lies in %s', async (place) => {
      const hand = await due()
      await hand.due.claim()
      if (place === 'wait') await rig.stall(hand)
      else await rig.client.del(lock(hand.id))
      expect(await rig.places(hand.id)).toEqual([place])
      expect(await hand.due.settle(1, delivered(), fired)).toEqual({ status: 'fired', decided: true })
      expect((await store.find(hand.id))?.status).toBe('fired')
      expect(await rig.places(hand.id)).toEqual(['completed'])
    })

    test('keeps the last ten attempts, and counts them all', async () => {
      const { id } = await store.create(draft(1))
      for (let attempt = 1; attempt <= 12; attempt += 1) {
        const { due: again } = await rig.take()
        expect(await again.claim()).toMatchObject({ kind: 'granted', attempt })
        await again.settle(attempt, neverSent, retryIn(-1))
      }
      const record = await store.find(id)
      expect(record?.attempts).toBe(12)
      expect(record?.log.map(({ attempt }) => attempt)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    })
  })

  describe('a late outcome', () => {
    test('corrects unknown to fired, and the job moves from failed to completed', async () => {
      const { first, id } = await givenUp()
      expect(await rig.places(id)).toEqual(['failed'])
      await first.due.settle(1, delivered(5), fired)
      expect(await rig.places(id)).toEqual(['completed'])
      expect(await store.find(id)).toMatchObject({
        status: 'fired',
        attempts: 1,
        log: [{ outcome: 'delivered' }],
      })
      expect(await rig.hash(id)).not.toHaveProperty('failedReason')
    })

    test('corrects unknown to failed, with the reason', async () => {
      const { first, id } = await givenUp()
      const rejected: AttemptResult = { outcome: 'rejected', sentAt: 5, responseStatus: 500 }
      await first.due.settle(1, rejected, { kind: 'final', status: 'failed' })
      expect(await rig.places(id)).toEqual(['failed'])
      expect(await store.find(id)).toMatchObject({ status: 'failed', responseStatus: 500 })
      expect((await rig.hash(id)).failedReason).toBe('failed: rejected: status 500')
    })

    test('that it never left moves a planned attempt to its own time', async () => {
      const { first, id } = await givenUp(retryIn(60_000))
      await first.due.settle(1, neverSent, retryIn(30))
      expect(await rig.places(id)).toEqual(['delayed'])
      expect((await store.find(id))?.status).toBe('pending')
      const third = await rig.take()
      expect(await third.due.claim()).toMatchObject({ kind: 'granted', attempt: 2 })
    })

    test.each<[string, AttemptResult, Decision]>([
      ['ambiguous', { outcome: 'ambiguous', sentAt: 5, reason: 'no answer in time' }, unknown],
      ['delivered', delivered(5), fired],
      ['never_sent', neverSent, retryIn(60_000)],
    ])('%s, after a redrive was acknowledged, undid that redrive', async (outcome, result, decision) => {
      const { first, id } = await givenUp()
      await store.redrive(id)
      await first.due.settle(1, result, decision)
      expect(await store.find(id)).toMatchObject({ status: 'pending', log: [{ outcome }] })
      const third = await rig.take()
      expect(await third.due.claim()).toMatchObject({ kind: 'granted', attempt: 2 })
    })

    test('wakes a worker that waits for nothing in particular', async () => {
      const { first, id } = await givenUp(retryIn(60_000))
      const seen: number[] = []
      await rig.consumer({
        handle: async (timer) => {
          seen.push(timer.timer.id)
          await timer.settle(2, delivered(), fired)
        },
      })
      await first.due.settle(1, neverSent, retryIn(100))
      await eventually(() => expect(seen).toEqual([id]))
    })

    test('finds the next attempt planned: that one is not sent any more', async () => {
      const { first, id } = await givenUp(retryIn(20))
      expect(await rig.places(id)).toEqual(['delayed'])
      await first.due.settle(1, delivered(5), fired)
      expect(await store.find(id)).toMatchObject({ status: 'fired', attempts: 1, firedAt: 5 })
      expect(await rig.places(id)).toEqual(['completed'])
    })

    test('finds a later attempt claimed: changes only the log', async () => {
      const { first, id } = await givenUp(retryIn(-1))
      const third = await rig.take()
      expect(await third.due.claim()).toMatchObject({ kind: 'granted', attempt: 2 })
      await first.due.settle(1, delivered(5), fired)
      expect(await store.find(id)).toMatchObject({
        status: 'firing',
        attempts: 1,
        log: [{ outcome: 'delivered' }],
      })
      expect(await third.due.settle(2, delivered(9), fired)).toMatchObject({ decided: true })
      expect(await store.find(id)).toMatchObject({ status: 'fired', attempts: 2, firedAt: 5 })
    })

    test('finds a later attempt ended: is told in the log, and when it first left', async () => {
      const { first, id } = await givenUp(retryIn(-1))
      const third = await rig.take()
      await third.due.claim()
      await third.due.settle(
        2,
        { outcome: 'rejected', sentAt: 9, responseStatus: 500 },
        {
          kind: 'final',
          status: 'failed',
        },
      )
      await first.due.settle(1, delivered(5), fired)
      expect(await store.find(id)).toMatchObject({
        status: 'failed',
        attempts: 2,
        firedAt: 5,
        responseStatus: 500,
        log: [{ outcome: 'delivered' }, { outcome: 'rejected' }],
      })
    })

    test('twice is the same as once', async () => {
      const { first, id } = await givenUp()
      await first.due.settle(1, delivered(5), fired)
      const hash = await rig.hash(id)
      await first.due.settle(1, delivered(6), fired)
      expect(await rig.hash(id)).toEqual(hash)
    })
  })

  describe('redrive', () => {
    const rejected: AttemptResult = { outcome: 'rejected', sentAt: 1, responseStatus: 500 }
    const failed: Decision = { kind: 'final', status: 'failed' }

    /** A timer that its receiver answers with 500, once more. */
    async function answer500(): Promise<number> {
      const { due: timer, id } = await rig.take()
      const claim = await timer.claim()
      if (claim.kind !== 'granted') throw new Error(`not granted but ${claim.kind}`)
      await timer.settle(claim.attempt, rejected, failed)
      return id
    }

    test('sent again by the connection started one more attempt', async () => {
      const { id } = await store.create(draft(1))
      await answer500()
      expect(await rig.clients.redrive({ owner: '', id }, 'one', Date.now())).toMatchObject({ kind: 'done' })
      await answer500()
      expect(await rig.clients.redrive({ owner: '', id }, 'one', Date.now())).toMatchObject({
        kind: 'done',
        hash: { st: 'failed' },
      })
      expect(await rig.places(id)).toEqual(['failed'])
      expect(await store.find(id)).toMatchObject({ status: 'failed', attempts: 2 })
      // Another request is another redrive.
      await rig.clients.redrive({ owner: '', id }, 'two', Date.now())
      expect(await rig.places(id)).toEqual(['delayed'])
    })

    test('whose reply was cut off was answered with a refusal although it had happened', async () => {
      const proxy = await startTcpProxy({ targetPort: rig.redis.port })
      rig.onClose(() => proxy.close())
      const cutOff = await rig.store({ redisUrl: `redis://127.0.0.1:${proxy.port}` })
      const { id } = await store.create(draft(1))
      await answer500()
      await cutOff.redrive(id + 1)
      const cut = proxy.cutReplies()
      expect(await cutOff.redrive(id)).toMatchObject({ id, status: 'pending', attempts: 1 })
      await cut
      await answer500()
      expect(await store.find(id)).toMatchObject({ status: 'failed', attempts: 2 })
    })

    test('remembers a bounded number of commands', async () => {
      const { id } = await store.create(draft(1))
      for (let round = 0; round < 20; round += 1) {
        await answer500()
        await rig.clients.redrive({ owner: '', id }, `nonce-${round}`, Date.now())
      }
      expect((await rig.hash(id)).cn?.split(' ')).toHaveLength(16)
    })
  })

  describe('defer', () => {
    test('gives back what is not claimed, and says what holds it back until when', async () => {
      const { due: timer, id } = await due()
      const until = Date.now() + 60_000
      await timer.defer(until, 'receiver_down')
      expect(await rig.places(id)).toEqual(['delayed'])
      expect(await rig.client.exists(lock(id))).toBe(0)
      expect(await store.find(id)).toMatchObject({ status: 'pending', held: { by: 'receiver_down', until } })
      expect(await rig.client.zscore(rig.keys().held, `t${id}`)).toBe(String(timer.timer.dueAt))
    })

    test('twice is the same as once, also when another has it by then', async () => {
      const { due: timer, id } = await due()
      await timer.defer(Date.now(), 'receiver_limit')
      const second = await rig.take()
      await timer.defer(Date.now() + 60_000, 'receiver_limit')
      expect(await rig.places(id)).toEqual(['active'])
      expect(await second.due.claim()).toMatchObject({ kind: 'granted', attempt: 1 })
    })

    test('of a timer that a late word has ended meanwhile kept it from being redriven, for as long as its receiver was down', async () => {
      const { first } = await givenUp(retryIn(-1))
      const next = await rig.take()
      await first.due.settle(
        1,
        { outcome: 'rejected', sentAt: 1, responseStatus: 404 },
        { kind: 'final', status: 'failed' },
      )
      await next.due.defer(Date.now() + 3_600_000, 'receiver_down')
      expect(await store.find(first.id)).toMatchObject({ status: 'failed', held: undefined })
      const last = await rig.take()
      expect(await last.due.claim()).toMatchObject({ kind: 'finished', status: 'failed' })
      await last.due.rest()
      expect(await store.redrive(first.id)).toMatchObject({ status: 'pending' })
    })

    test('what is claimed then is held back no longer', async () => {
      const { due: timer, id } = await due()
      await timer.defer(Date.now(), 'receiver_limit')
      const second = await rig.take()
      await second.due.claim()
      expect((await rig.hash(id)).hb).toBeUndefined()
      expect(await rig.client.exists(rig.keys().held)).toBe(0)
    })
  })

  describe('recall', () => {
    const heldUntil = async (heldBy: 'receiver_limit' | 'receiver_down' = 'receiver_limit') => {
      const held = await due()
      const until = Date.now() + 60_000
      await held.due.defer(until, heldBy)
      return { ...held, until, recall: held.due.recall(until, heldBy) }
    }
    const heldOf = async (id: number) => (await store.find(id))?.held

    test('brings back what is held back: it waited for a turn a minute away', async () => {
      const { id, recall } = await heldUntil()
      const at = Date.now()
      recall(at)
      await eventually(async () =>
        expect(await heldOf(id)).toMatchObject({ by: 'receiver_limit', until: at }),
      )
      const second = await rig.take()
      expect(await second.due.claim()).toMatchObject({ kind: 'granted', attempt: 1 })
    })

    test('of one that was changed since, taken since or ended since does nothing', async () => {
      const changed = await heldUntil()
      await store.change(changed.id, { due: { delayMs: 3_600_000 } })
      const taken = await heldUntil()
      taken.recall(Date.now())
      await eventually(async () => expect((await heldOf(taken.id))?.until).toBeLessThan(taken.until))
      const second = await rig.take()
      const cancelled = await heldUntil()
      await store.cancel(cancelled.id)
      const before = await Promise.all([changed, cancelled].map(({ id }) => rig.hash(id)))
      const commands = [changed, taken, cancelled].map(({ id, until }) =>
        rig.commands.recall(id, 'receiver_limit', until, Date.now()),
      )
      expect(await Promise.all(commands)).toEqual([false, false, false])
      expect(await Promise.all([changed, cancelled].map(({ id }) => rig.hash(id)))).toEqual(before)
      expect(await rig.places(taken.id)).toEqual(['active'])
      expect(await second.due.claim()).toMatchObject({ kind: 'granted' })
    })

    test('only brings forward, and twice is the same as once', async () => {
      const { id, until } = await heldUntil('receiver_down')
      const commands = rig.commands
      expect(await commands.recall(id, 'receiver_down', until, until + 1)).toBe(false)
      const at = Date.now() + 5_000
      expect(await commands.recall(id, 'receiver_down', until, at)).toBe(true)
      expect(await commands.recall(id, 'receiver_down', until, at)).toBe(false)
      expect(await heldOf(id)).toMatchObject({ until: at })
    })
  })

  test('a timer stays a listpack through all of it', async () => {
    const { first, id } = await givenUp()
    await first.due.settle(1, delivered(), fired)
    expect(await rig.client.object('ENCODING', rig.keys().key(`t${id}`))).toBe('listpack')
  })
})
