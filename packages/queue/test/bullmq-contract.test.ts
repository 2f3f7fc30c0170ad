import type { Job } from 'bullmq'
import { KNOWN_BULLMQ } from '../src/consumer/bullmq-scripts.ts'
import {
  add,
  changesOf,
  client,
  newWorker,
  P,
  snapshot,
  take,
  taken,
  useContractBed,
} from './bullmq-contract-bed.ts'

describe(`BullMQ ${KNOWN_BULLMQ}`, () => {
  useContractBed()

  test('adding: a hash, an entry in `delayed` at due * 4096 + n, the marker `1` at the due time, two events', async () => {
    const at = 1_900_000_000_000
    await add('t1', 500, at)
    const due = at + 500
    const { opts, ...fields } = (await client.hgetall(`${P}t1`)) as { opts: string }
    expect(JSON.parse(opts)).toEqual({ jobId: 't1', timestamp: at, delay: 500, attempts: 0 })
    expect(fields).toEqual({
      name: 'n',
      data: '{"u":1}',
      timestamp: String(at),
      delay: '500',
      priority: '0',
    })
    expect(await snapshot()).toEqual({
      delayed: { t1: String(due * 4096) },
      events: [
        { event: 'added', jobId: 't1', name: 'n' },
        { event: 'delayed', jobId: 't1', delay: String(due) },
      ],
      id: '1',
      marker: { 1: String(due) },
      meta: { 'opts.maxLenEvents': '10000', version: `bullmq:${KNOWN_BULLMQ}` },
      t1: { ...fields, opts },
    })
    await add('t2', 500, at)
    await add('t3', 100, at)
    const { delayed, marker } = await snapshot()
    expect(delayed).toEqual({
      t3: String((at + 100) * 4096),
      t1: String(due * 4096),
      t2: String(due * 4096 + 1),
    })
    expect(marker).toEqual({ 1: String(at + 100) })
  })

  test('taking: promoted to `wait`, then `active` under a lock, the marker `0` at 0', async () => {
    const worker = newWorker({ name: 'w' })
    await add('t1', 1)
    let job: Job | undefined
    const changes = await changesOf(async () => {
      job = await take(worker)
    })
    const processedOn = String(job?.processedOn)
    expect(changes).toEqual({
      active: [undefined, ['t1']],
      delayed: [expect.anything(), undefined],
      events: [
        { event: 'waiting', jobId: 't1', prev: 'delayed' },
        { event: 'active', jobId: 't1', prev: 'waiting' },
      ],
      marker: { 0: [undefined, '0'] },
      t1: {
        ats: [undefined, '1'],
        delay: ['1', '0'],
        pb: [undefined, 'w'],
        processedOn: [undefined, processedOn],
      },
      't1:lock': [undefined, 'tok'],
    })
    const ttl = await client.pttl(`${P}t1:lock`)
    expect(ttl).toBeGreaterThan(5_000)
    expect(ttl).toBeLessThanOrEqual(10_000)
  })

  test('promoting: all that are due go to the head of `wait`, the oldest first, and the tail is taken; ours chooses fewer (ADR 10)', async () => {
    const worker = newWorker()
    const at = Date.now() - 1_000
    for (const [jobId, delay] of [
      ['t1', 3],
      ['t2', 1],
      ['t3', 2],
      ['t4', 60_000],
    ] as const)
      await add(jobId, delay, at)
    const changes = await changesOf(() => take(worker))
    expect(changes).toMatchObject({ active: [undefined, ['t2']], wait: [undefined, ['t1', 't3']] })
    expect((await snapshot()).delayed).toEqual({ t4: expect.any(String) })
  })

  test('taking from an empty queue changes nothing and tells when the next one is due', async () => {
    const worker = newWorker()
    await add('t1', 60_000, 1_900_000_000_000)
    expect(await changesOf(() => worker.getNextJob('tok', { block: false }))).toEqual({})
    expect(worker).toHaveProperty('blockUntil', 1_900_000_060_000)
  })

  test('moveToFinished to `completed`', async () => {
    const job = await taken()
    const changes = await changesOf(() => job.moveToCompleted({ n: 1 }, 'tok', false))
    const now = String(job.finishedOn)
    expect(changes).toEqual({
      active: [['t1'], undefined],
      completed: [undefined, { t1: now }],
      events: [
        { event: 'completed', jobId: 't1', returnvalue: '{"n":1}', prev: 'active' },
        { event: 'drained' },
      ],
      stalled: [['t1'], undefined],
      t1: { atm: [undefined, '1'], finishedOn: [undefined, now], returnvalue: [undefined, '{"n":1}'] },
      't1:lock': ['tok', undefined],
    })
  })

  test('moveToFinished to `failed`', async () => {
    const job = await taken()
    const changes = await changesOf(() => job.moveToFailed(new Error('why'), 'tok', false))
    const now = String(job.finishedOn)
    expect(changes).toEqual({
      active: [['t1'], undefined],
      events: [
        { event: 'failed', jobId: 't1', failedReason: 'why', prev: 'active' },
        { event: 'retries-exhausted', jobId: 't1', attemptsMade: '1' },
        { event: 'drained' },
      ],
      failed: [undefined, { t1: now }],
      stalled: [['t1'], undefined],
      t1: {
        atm: [undefined, '1'],
        failedReason: [undefined, 'why'],
        finishedOn: [undefined, now],
        stacktrace: [undefined, expect.stringMatching(/^\["Error: why/)],
      },
      't1:lock': ['tok', undefined],
    })
  })

  test('moveToDelayed: back with a score of its own; `processedOn`, `ats` and `pb` stay, `delay` is relative', async () => {
    const job = await taken()
    const due = Date.now() + 60_000
    const changes = await changesOf(() => job.moveToDelayed(due, 'tok'))
    expect(changes).toEqual({
      active: [['t1'], undefined],
      delayed: [undefined, { t1: String(due * 4096) }],
      events: [{ event: 'delayed', jobId: 't1', delay: String(due) }],
      marker: { 1: [expect.anything(), String(due)] },
      stalled: [['t1'], undefined],
      t1: { delay: ['0', expect.stringMatching(/^\d{5}$/)] },
      't1:lock': ['tok', undefined],
    })
  })

  test('taking again after a delay: `ats` counts on, `processedOn` is the new one', async () => {
    const worker = newWorker()
    const job = await taken(worker)
    await job.moveToDelayed(Date.now(), 'tok')
    let again: Job | undefined
    const changes = await changesOf(async () => {
      again = await take(worker, 'tok2')
    })
    expect(again?.stalledCounter).toBe(0)
    expect(changes).toMatchObject({
      active: [undefined, ['t1']],
      delayed: [expect.anything(), undefined],
      t1: { ats: ['1', '2'], processedOn: [String(job.processedOn), String(again?.processedOn)] },
      't1:lock': [undefined, 'tok2'],
    })
    expect(changes.t1).not.toHaveProperty('atm')
  })

  test('finishing with fetch next takes the next job under the same token', async () => {
    const job = await taken()
    await add('t2', 0)
    const changes = await changesOf(() => job.moveToCompleted(null, 'tok', true))
    expect(changes).toMatchObject({
      active: [['t1'], ['t2']],
      't1:lock': ['tok', undefined],
      't2:lock': [undefined, 'tok'],
      t2: { ats: [undefined, '1'] },
      wait: [['t2'], undefined],
    })
  })
})
