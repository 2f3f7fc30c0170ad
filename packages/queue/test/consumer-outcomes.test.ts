import type { AttemptResult } from '@timers/core'
import { eventually } from '@timers/lab'
import { allFired, gate, RECOVERY, rig, schedule, statuses, store, useConsumerBed } from './consumer-bed.ts'
import { firing } from './firing.ts'
import { delivered, draft, fired } from './rig.ts'

describe('the timer consumer', () => {
  useConsumerBed()

  test('a defect of ours kept a hand for ever, trying again', async () => {
    const { id } = await store.create(draft(1))
    const consumer = await rig.consumer({
      concurrency: 1,
      handle: async (due) => {
        const claim = await due.claim()
        if (claim.kind !== 'granted') return
        // A field that is no text: every write of the log fails, and will.
        await rig.client.del(rig.keys().key('completed'))
        await rig.client.set(rig.keys().key('completed'), 'not a sorted set')
        await due.settle(claim.attempt, delivered(), fired)
      },
    })
    await eventually(() =>
      expect(rig.heard(/could not be handled/)).toMatchObject({
        level: 'error',
        fields: { timerId: id, err: { message: expect.stringMatching(/WRONGTYPE/) } },
      }),
    )
    await eventually(() => expect(consumer.inFlight).toBe(0))
  })

  test('a retry is put back and comes again when it is due', async () => {
    const { id } = await store.create(draft(1))
    const attempts: number[] = []
    let plannedFor = 0
    await rig.consumer({
      handle: async (due) => {
        const claim = await due.claim()
        if (claim.kind !== 'granted') throw new Error(`not granted but ${claim.kind}`)
        attempts.push(Date.now())
        if (claim.attempt === 2) return void due.settle(2, delivered(), fired)
        plannedFor = Date.now() + 300
        const result: AttemptResult = { outcome: 'never_sent', sentAt: Date.now(), reason: 'refused' }
        return void due.settle(1, result, { kind: 'retry', at: plannedFor })
      },
    })
    await allFired([{ id }])
    expect(attempts).toHaveLength(2)
    expect(attempts[1]).toBeGreaterThanOrEqual(plannedFor)
    expect(await store.find(id)).toMatchObject({
      attempts: 2,
      log: [{ outcome: 'never_sent' }, { outcome: 'delivered' }],
    })
  })

  test('what is not fired goes to the failed set, with a reason and without a stack trace', async () => {
    const { id } = await store.create(draft(1))
    await rig.consumer({
      handle: async (due) => {
        await due.claim()
        const result: AttemptResult = { outcome: 'rejected', sentAt: Date.now(), responseStatus: 404 }
        return void due.settle(1, result, { kind: 'final', status: 'failed' })
      },
    })
    await eventually(async () => expect(await rig.places(id)).toEqual(['failed']))
    const hash = await rig.hash(id)
    expect(hash.failedReason).toBe('failed: rejected: status 404')
    expect(hash.stacktrace).toBeUndefined()
  })

  test('an outcome is written over a kill -9 of Redis', async () => {
    const timers = await schedule(4)
    const { passed, open } = gate()
    const consumer = await rig.consumer({
      handle: firing(async () => {
        await passed
        return delivered()
      }),
    })
    await eventually(() => expect(consumer.inFlight).toBe(4))
    await rig.redis.kill()
    open()
    await rig.redis.restart()
    await allFired(timers, RECOVERY)
    for (const { id } of timers) expect(await store.find(id)).toMatchObject({ attempts: 1 })
  })

  test('an outcome is written as soon as Redis takes writes again', async () => {
    const { id } = await store.create(draft(1))
    try {
      await rig.consumer({
        handle: firing(async () => {
          // Every write is refused: there is no replica.
          await rig.redis.command('CONFIG', 'SET', 'min-replicas-to-write', '1')
          return delivered()
        }),
      })
      await eventually(() =>
        expect(rig.heard(/redis refuses, trying on/)?.fields).toMatchObject({ step: 'settle' }),
      )
      expect((await store.find(id))?.status).toBe('firing')
    } finally {
      await rig.redis.command('CONFIG', 'SET', 'min-replicas-to-write', '0')
    }
    await eventually(async () => expect((await store.find(id))?.status).toBe('fired'))
    expect(rig.said.filter(({ level, message }) => level === 'warn' && /refuses/.test(message))).toHaveLength(
      1,
    )
  })

  test('an outcome is written also where the lock was lost by the time the job is finished', async () => {
    const { id } = await store.create(draft(1))
    await rig.consumer({
      handle: firing(async () => {
        await rig.client.del(rig.keys().key(`t${id}:lock`))
        return delivered(7)
      }),
    })
    await eventually(async () => expect(await store.find(id)).toMatchObject({ status: 'fired', firedAt: 7 }))
    await eventually(async () => expect(await rig.places(id)).toEqual(['completed']), RECOVERY)
    expect(await store.find(id)).toMatchObject({
      status: 'fired',
      attempts: 1,
      log: [{ outcome: 'delivered' }],
    })
  })

  test('finished timers are removed when their retention is over, and then there is no such timer', async () => {
    const timers = await schedule(120)
    await rig.consumer({
      // A second.
      retentionDays: 1 / 86_400,
      concurrency: 50,
      handle: async (due) => {
        await due.claim()
        const odd = due.timer.id % 2 === 1
        const failed: AttemptResult = { outcome: 'blocked', sentAt: Date.now() }
        await (odd
          ? due.settle(1, delivered(), fired)
          : due.settle(1, failed, { kind: 'final', status: 'failed' }))
      },
    })
    await eventually(async () => expect(new Set(await statuses(timers))).toEqual(new Set([undefined])), {
      timeoutMs: 10_000,
    })
    expect(await rig.client.keys('*:t*')).toEqual([])
    // Said at the end of a sweep, after the last timer has gone.
    await eventually(() => expect(rig.heard(/past their retention removed/)).toBeDefined())
  })
})
