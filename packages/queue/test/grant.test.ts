import { eventually, startTcpProxy } from '@timers/lab'
import { Redis } from 'ioredis'
import { clocks } from '../src/timers/due-timer.ts'
import { TimerCommands } from '../src/timers/timer-commands.ts'
import { rig, store, useBed } from './bed.ts'
import { givenUp, lock, neverSent, retryIn } from './commands-bed.ts'
import { draft } from './rig.ts'

describe('the commands on a timer', () => {
  useBed()

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
})
