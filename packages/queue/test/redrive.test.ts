import type { AttemptResult, Decision } from '@timers/core'
import { startTcpProxy } from '@timers/lab'
import { rig, store, useBed } from './bed.ts'
import { draft } from './rig.ts'

describe('the commands on a timer', () => {
  useBed()

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
})
