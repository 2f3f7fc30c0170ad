import { startTcpProxy } from '@timers/lab'
import { Redis } from 'ioredis'
import { TimerCommands } from '../src/timers/timer-commands.ts'
import { rig, store, useBed } from './bed.ts'
import { due, lock, neverSent, retryIn } from './commands-bed.ts'
import { delivered, fired } from './rig.ts'

describe('the commands on a timer', () => {
  useBed()

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
})
