import { eventually } from '@timers/lab'
import { type Job, Worker } from 'bullmq'
import { KNOWN_BULLMQ } from '../src/consumer/bullmq-scripts.ts'
import {
  add,
  changesOf,
  checkStalled,
  client,
  newWorker,
  P,
  rig,
  snapshot,
  take,
  taken,
  useContractBed,
} from './bullmq-contract-bed.ts'

describe(`BullMQ ${KNOWN_BULLMQ}`, () => {
  useContractBed()

  test.each([
    ['completed', (job: Job) => job.moveToCompleted(null, 'other', false)],
    ['failed', (job: Job) => job.moveToFailed(new Error('why'), 'other', false)],
    ['delayed', (job: Job) => job.moveToDelayed(Date.now() + 1_000, 'other')],
  ])('a token that does not hold the lock moves nothing to %s', async (_, move) => {
    const job = await taken()
    expect(await changesOf(() => move(job).catch(() => {}))).toEqual({})
  })

  test('a job that is not in `active` has lost its lock by the time moveToFinished says so', async () => {
    const job = await taken()
    await client.lrem(`${P}active`, 1, 't1')
    const changes = await changesOf(() => job.moveToCompleted(null, 'tok', false).catch(() => {}))
    expect(changes).toEqual({ stalled: [['t1'], undefined], 't1:lock': ['tok', undefined] })
  })

  test('a job whose lock is gone is handed on at the second beat of the stalled check, at the head of `wait`', async () => {
    const worker = newWorker({ stalledInterval: 1 })
    await add('t1', 1)
    const job = await take(worker)
    await add('t2', 0)
    await client.del(`${P}t1:lock`)
    const beat = async () => {
      await eventually(async () => expect(await client.exists(`${P}stalled-check`)).toBe(0))
      await client.del(`${P}marker`)
      return changesOf(() => checkStalled(worker))
    }
    const first = await beat()
    expect(first).toMatchObject({ stalled: [undefined, ['t1']] })
    expect(first).not.toHaveProperty('wait')
    const second = await beat()
    expect(second).toMatchObject({
      active: [['t1'], undefined],
      events: [
        { event: 'waiting', jobId: 't1', prev: 'active' },
        { event: 'stalled', jobId: 't1' },
      ],
      marker: [undefined, { 0: '0' }],
      stalled: [['t1'], undefined],
      t1: { stc: [undefined, '1'] },
      // RPUSH: the tail of the list is taken first.
      wait: [['t2'], ['t2', 't1']],
    })
    expect(job.id).toBe('t1')
  })

  test('a lock that is renewed takes its job out of `stalled`', async () => {
    const worker = newWorker()
    await taken(worker)
    expect(await client.smembers(`${P}stalled`)).toEqual(['t1'])
    expect(await changesOf(() => worker.extendJobLocks(['t1'], ['tok'], 20_000))).toEqual({
      stalled: [['t1'], undefined],
    })
    expect(await client.pttl(`${P}t1:lock`)).toBeGreaterThan(10_000)
    expect(await worker.extendJobLocks(['t1', 't9'], ['other', 'tok'], 20_000)).toEqual(['t1', 't9'])
  })

  test('what was moved by another script is not missed: no lock, no place in `active`, nothing handed on', async () => {
    const worker = newWorker({ stalledInterval: 1 })
    await taken(worker)
    await client.multi().del(`${P}t1:lock`).lrem(`${P}active`, 1, 't1').zadd(`${P}completed`, 1, 't1').exec()
    await eventually(async () => expect(await client.exists(`${P}stalled-check`)).toBe(0))
    expect(await checkStalled(worker)).toEqual([])
    expect(await snapshot()).not.toHaveProperty('wait')
    expect(await snapshot()).not.toHaveProperty('stalled')
  })

  test('a blocked Worker wakes for a job that is due earlier than the one it waits for, where the marker is written', async () => {
    const took: number[] = []
    const worker = new Worker(
      rig.keys().queueName,
      async () => {
        took.push(Date.now())
      },
      { connection: client, prefix: rig.prefix },
    )
    rig.onClose(() => worker.close(true))
    await add('t1', 60_000)
    await eventually(async () => expect(await client.client('LIST')).toMatch(/cmd=bzpopmin/))
    const hash = await client.hgetall(`${P}t1`)
    const due = Date.now() + 200
    await client
      .multi()
      .hset(`${P}t2`, hash)
      .zadd(`${P}delayed`, due * 4096, 't2')
      .zadd(`${P}marker`, due, '1')
      .exec()
    await eventually(() => expect(took).toHaveLength(1))
    expect((took[0] ?? 0) - due).toBeGreaterThanOrEqual(0)
    // Without the marker it would come at the end of the block: ten seconds.
    expect((took[0] ?? 0) - due).toBeLessThan(4_000)
  })
})
