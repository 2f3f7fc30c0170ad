import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { eventually } from '@timers/lab'
import { type Job, Queue, Worker, type WorkerOptions } from 'bullmq'
import { Redis } from 'ioredis'
import { installedScripts, installedVersion, KNOWN_BULLMQ } from '../src/consumer/bullmq-scripts.ts'
import { Rig } from './rig.ts'

/**
 * What we know of BullMQ's keys and scripts, held against the BullMQ that is installed.
 *
 * Our own scripts move jobs between its sets in one step of their own, so each of these facts is relied on somewhere. When
 * BullMQ is updated, a failing test here says which fact changed; compare the script's text, fit our scripts, then renew the
 * sums below.
 *
 * A change is written [before, after]; of the stream of events only what was added is shown, without ids. What a list of
 * changes does not name was not touched: `pc`, `limiter`, `metrics:*` and `prioritized` never are.
 */

const FETCHING = [
  'wait',
  'active',
  'prioritized',
  'events',
  'stalled',
  'limiter',
  'delayed',
  'paused',
  'meta',
  'pc',
] as const

const SCRIPTS = {
  addDelayedJob: {
    keys: ['marker', 'meta', 'id', 'delayed', 'completed', 'events'],
    sha256: 'e47c0db3c46bd84afab98fae90bba3b98cf6554e74df840801c39baccc627c4c',
  },
  moveToActive: {
    keys: [...FETCHING, 'marker'],
    sha256: '7d35069db0b831af1bd1b2d5eb8d524e86fc7d3280b8c684a96b6614bad7d79a',
  },
  moveToFinished: {
    keys: [...FETCHING, 'completed', 't1', 'metrics:completed', 'marker'],
    sha256: '8e744ec5d65dbe9e7ffb6e39a96c0268bba65e4f0b1d04e2d2a42ccb71b45a6d',
  },
  moveToDelayed: {
    keys: [
      'marker',
      'active',
      'prioritized',
      'delayed',
      't1',
      'events',
      'meta',
      'stalled',
      'wait',
      'limiter',
      'pc',
    ],
    sha256: '1a7b9311ef92fd66416973c29fa8b2c909cec58d0bfcf3e5ab53bb07ea1664d7',
  },
  moveStalledJobsToWait: {
    keys: ['stalled', 'wait', 'active', 'stalled-check', 'meta', 'paused', 'marker', 'events', 'repeat'],
    sha256: 'dad86d89b50d825fb9ad1e95ef0ca9ae459ba16e837663fdbfc7be6de003debb',
  },
  extendLocks: {
    keys: ['stalled'],
    sha256: '14bb41f30eff2e7ff033bbcb31078fbc954a0bb16902129da8b68861c16baa5c',
  },
  cleanJobsInSet: {
    keys: ['completed', 'events', 'repeat'],
    sha256: 'dbdd85409e49a4e328a42f28e3d7e745c8380583dda6215e84b9fd354cb495e2',
  },
  removeJob: {
    keys: ['t1', 'repeat'],
    sha256: 'f2acb16fda20ccac200abd5289a8910e48870d454c1577b19bd375ab809bb4b6',
  },
} as const

type ScriptName = keyof typeof SCRIPTS
type Value = string | string[] | Record<string, string> | Record<string, string>[]
type Snapshot = Record<string, Value>

const pairs = (flat: readonly string[]): Record<string, string> => {
  const all: Record<string, string> = {}
  for (let at = 0; at < flat.length; at += 2) all[flat[at] ?? ''] = flat[at + 1] ?? ''
  return all
}

describe(`BullMQ ${KNOWN_BULLMQ}`, () => {
  let rig: Rig
  /** Keys that each script was given, by its sha1, as they went over the wire. */
  const sent = new Map<string, string[]>()
  let client: Redis
  const P = 'test:{0}:'

  beforeAll(async () => {
    rig = await Rig.start()
    client = new Redis(rig.redis.url, { maxRetriesPerRequest: null, protocol: 2 })
    const send = client.sendCommand.bind(client)
    client.sendCommand = (command, stream) => {
      if (/^eval(sha)?$/.test(command.name)) {
        const [script = '', count, ...rest] = command.args.map(String)
        const sha = command.name === 'eval' ? createHash('sha1').update(script).digest('hex') : script
        sent.set(sha, rest.slice(0, Number(count)))
      }
      return send(command, stream)
    }
  })
  beforeEach(() => rig.reset())
  afterAll(async () => {
    client.disconnect()
    await rig.close()
  })

  /** Everything that the queue has in Redis, by key without its prefix. */
  async function snapshot(): Promise<Snapshot> {
    const all: Snapshot = {}
    for (const key of (await client.keys(`${P}*`)).sort()) {
      const name = key.slice(P.length)
      switch (await client.type(key)) {
        case 'string':
          all[name] = (await client.get(key)) ?? ''
          break
        case 'hash':
          all[name] = await client.hgetall(key)
          break
        case 'list':
          all[name] = await client.lrange(key, 0, -1)
          break
        case 'set':
          all[name] = await client.smembers(key)
          break
        case 'zset':
          all[name] = pairs((await client.call('ZRANGE', key, '0', '-1', 'WITHSCORES')) as string[])
          break
        default:
          all[name] = (await client.xrange(key, '-', '+')).map(([, fields]) => pairs(fields))
      }
    }
    return all
  }

  /** What a step changed: fields before and after; events only as they were added. */
  async function changesOf(step: () => Promise<unknown>): Promise<Record<string, unknown>> {
    const before = await snapshot()
    await step()
    const after = await snapshot()
    const changes: Record<string, unknown> = {}
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const [was, is] = [before[key], after[key]]
      if (JSON.stringify(was) === JSON.stringify(is)) continue
      if (key === 'events')
        changes[key] = (is as unknown[]).slice((was as unknown[] | undefined)?.length ?? 0)
      else if (isFields(was) && isFields(is)) {
        const fields = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(
          (field) => was[field] !== is[field],
        )
        changes[key] = Object.fromEntries(fields.map((field) => [field, [was[field], is[field]]]))
      } else changes[key] = [was, is]
    }
    return changes
  }

  const isFields = (value: Value | undefined): value is Record<string, string> =>
    typeof value === 'object' && !Array.isArray(value)

  /** A Worker that does only what the test says. */
  function newWorker(options: Partial<WorkerOptions> = {}): Worker {
    const worker = new Worker(rig.keys().queueName, undefined, {
      connection: client,
      prefix: rig.prefix,
      autorun: false,
      lockDuration: 10_000,
      maxStalledCount: 1_000,
      ...options,
    })
    worker.on('error', () => {})
    rig.onClose(() => worker.close(true))
    return worker
  }

  const queue = () => rig.queue()
  const add = (jobId: string, delay: number, timestamp = Date.now()) =>
    queue().add('n', { u: 1 }, { jobId, delay, timestamp })

  async function take(worker: Worker, token = 'tok'): Promise<Job> {
    return eventually(async () => {
      const job = await worker.getNextJob(token, { block: false })
      if (job === undefined) throw new Error('nothing is due')
      return job
    })
  }

  const checkStalled = (worker: Worker): Promise<string[]> =>
    (
      worker as unknown as { backend: { moveStalledJobsToWait(): Promise<string[]> } }
    ).backend.moveStalledJobsToWait()

  test('is what is installed, and pinned exactly', () => {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    expect(manifest.dependencies.bullmq).toBe(KNOWN_BULLMQ)
    expect(installedVersion).toBe(KNOWN_BULLMQ)
  })

  test.each(Object.entries(SCRIPTS))('the text of %s is the one that we know', (name, { keys, sha256 }) => {
    const script = installedScripts.find((one) => one.name === name)
    expect(script?.keys).toBe(keys.length)
    expect(
      createHash('sha256')
        .update(script?.content ?? '')
        .digest('hex'),
    ).toBe(sha256)
  })

  test('the scripts take the keys in the order that we know', async () => {
    const own = newWorker()
    const bull = new Queue(rig.keys().queueName, { connection: client, prefix: rig.prefix })
    rig.onClose(() => bull.close())
    await bull.add('n', {}, { jobId: 't1', delay: 1 })
    const job = await take(own)
    await own.extendJobLocks(['t1'], ['tok'], 10_000)
    await job.moveToDelayed(Date.now(), 'tok')
    await (await take(own)).moveToCompleted(null, 'tok', false)
    await checkStalled(own)
    await bull.clean(0, 1, 'completed')
    await bull.remove('t1')
    for (const [name, { keys }] of Object.entries(SCRIPTS))
      expect([name, keysOf(name as ScriptName)]).toEqual([name, keys])
  })

  const keysOf = (name: ScriptName): string[] => {
    const text = installedScripts.find((script) => script.name === name)?.content ?? ''
    const keys = sent.get(createHash('sha1').update(text).digest('hex')) ?? []
    return keys.map((key) => key.slice(P.length))
  }

  test('the methods that we override take what we know', () => {
    const methods = Worker.prototype as unknown as Record<string, { length: number }>
    const arity = (name: string) => methods[name]?.length
    // Parameters from the first one with a default on do not count: processJob has three, close one.
    expect([
      arity('processJob'),
      arity('moveToActive'),
      arity('nextJobFromJobData'),
      arity('extendJobLocks'),
      arity('createBackend'),
      arity('close'),
    ]).toEqual([2, 2, 3, 3, 0, 0])
    expect(newWorker()).toMatchObject({ blockUntil: 0, drained: false })
  })

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

  /** A job in hand, marked by a beat of the stalled check. */
  async function taken(worker = newWorker()): Promise<Job> {
    await add('t1', 1)
    const job = await take(worker)
    await client.sadd(`${P}stalled`, 't1')
    return job
  }
})
