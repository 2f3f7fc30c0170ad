import type { Created, NewTimerRequest, TimerDraft } from '@timers/core'
import { eventually, startTcpProxy, timed } from '@timers/lab'
import { draft, Rig } from './rig.ts'

const HOUR = 3_600_000
/** What the API promises a client, in milliseconds. */
const ANSWER_MS = 2_000

describe('timers created together', () => {
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  afterEach(() => rig.reset())

  const requests = (
    count: number,
    more: (index: number) => Partial<TimerDraft> = () => ({}),
  ): NewTimerRequest[] =>
    Array.from({ length: count }, (_, index) => ({
      draft: { ...draft(HOUR + index, `https://receiver.example/${index}`), ...more(index) },
    }))
  const created = (results: readonly (Created | Error)[]): Created[] =>
    results.map((result) => {
      if (result instanceof Error) throw result
      return result
    })
  const jobs = async () => (await rig.client.keys('*')).filter((key) => /:t\d+$/.test(key))
  const hash = (id: number, shards: number) => rig.hash(id, (id - 1) % shards)

  test('lie in Redis as they do when each is created alone', async () => {
    const store = await rig.store()
    const plain = requests(1)[0] as NewTimerRequest
    const rich: NewTimerRequest = {
      draft: {
        ...draft(HOUR),
        payload: '{"a":1}',
        headers: { 'x-a': '1' },
        owner: 'somebody',
        key: 'own',
        labels: ['a', 'b'],
        expiresIn: 60,
        callback: { url: 'https://ended.example', on: ['failed'] },
      },
      idempotency: { key: 'i', fingerprint: 'f' },
    }
    const [one, two] = created(await store.createAll([plain, rich]))
    const together = [await rig.hash(one?.id ?? 0), await rig.hash(two?.id ?? 0)]
    await rig.redis.flush()
    const alone = []
    for (const each of [plain, rich]) {
      const { id } = await store.create(each.draft, each.idempotency)
      alone.push(await rig.hash(id))
    }
    const timeless = ({ timestamp, du, ik, ...rest }: Record<string, string>) => ({
      ...rest,
      waits: Number(du) - Number(timestamp),
      ...(ik !== undefined && { ik: ik.replace(du ?? '', 'due') }),
    })
    expect(together.map(timeless)).toEqual(alone.map(timeless))
    for (const [index, timer] of [one, two].entries()) {
      expect(timer).toMatchObject({ replayed: false, dueAt: Number(together[index]?.du) })
    }
  })

  test('share out over the shards, with ids of their own and in their order, and wake up in time', async () => {
    const store = await rig.store({ shards: 3 })
    const timers = created(await store.createAll(requests(300)))
    expect(new Set(timers.map(({ id }) => id)).size).toBe(300)
    for (const shard of [0, 1, 2]) {
      const ids = timers.filter(({ id }) => (id - 1) % 3 === shard).map(({ id }) => id)
      expect(ids).toHaveLength(100)
      expect(ids).toEqual([...ids].sort((a, b) => a - b))
      const delayed = await rig.client.zrange(rig.keys(shard).key('delayed'), '0', '-1', 'WITHSCORES')
      const dueById = new Map(timers.map(({ id, dueAt }) => [`t${id}`, dueAt]))
      for (let at = 0; at < delayed.length; at += 2) {
        expect(Number(delayed[at + 1]) / 4_096).toBe(dueById.get(String(delayed[at])))
      }
      const [, first] = await rig.client.zrange(rig.keys(shard).key('marker'), '0', '0', 'WITHSCORES')
      expect(Number(first)).toBe(Math.min(...ids.map((id) => dueById.get(`t${id}`) ?? 0)))
    }
    const [some] = timers
    expect(await store.find(some?.id ?? 0)).toMatchObject({ url: some?.url, dueAt: some?.dueAt })
  })

  test('take their ids in one block, and the ids at hand stay for others', async () => {
    const store = await rig.store()
    await store.create(draft(HOUR))
    await rig.client.config('RESETSTAT')
    created(await store.createAll(requests(1_000)))
    expect(await rig.client.info('commandstats')).toMatch(/cmdstat_incrby:calls=1,/)
    expect((await store.create(draft(HOUR))).id).toBe(2)
  })

  test('of several owners in one batch are each their owner’s', async () => {
    const store = await rig.store({ shards: 2 })
    const owners = ['a', 'b', undefined]
    const timers = created(
      await store.createAll(requests(150, (index) => ({ owner: owners[index % 3], labels: ['same'] }))),
    )
    for (const [index, { id }] of timers.entries()) {
      expect((await hash(id, 2)).ow).toBe(owners[index % 3])
    }
    const labelled = await rig.client.zcard(rig.keys(0).key('l:a:same'))
    expect(labelled + (await rig.client.zcard(rig.keys(1).key('l:a:same')))).toBe(50)
  })

  test('with the same keys behave as if sent one after the other, over several shards', async () => {
    const store = await rig.store({ shards: 5 })
    const one = (
      key: string | undefined,
      idempotencyKey?: string,
      fingerprint = 'same',
    ): NewTimerRequest => ({
      draft: { ...draft(HOUR), key },
      idempotency: idempotencyKey === undefined ? undefined : { key: idempotencyKey, fingerprint },
    })
    const results = await store.createAll([
      one('k1'),
      one(undefined, 'i1'),
      one('k1'),
      one(undefined, 'i1'),
      one(undefined, 'i1', 'other'),
      one('k2', 'i2'),
      one('k2', 'i2'),
      one('k3', 'i2', 'other'),
      one('k4', 'i2', 'another'),
      one(undefined, 'i2', 'bare'),
      one('k3'),
    ])
    const [k1, i1, k1Again, i1Again, i1Other, k2, k2Again, k3, k4, bare, k3Alone] = results
    expect(k1Again).toMatchObject({ code: 'KEY_TAKEN', details: { timer_id: (k1 as Created).id } })
    expect(i1Again).toMatchObject({ id: (i1 as Created).id, dueAt: (i1 as Created).dueAt, replayed: true })
    expect(i1Other).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    expect(k2Again).toMatchObject({ id: (k2 as Created).id, replayed: true })
    for (const refused of [k3, k4, bare]) expect(refused).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    expect(k3Alone).toMatchObject({ key: 'k3', replayed: false })
    expect(await jobs()).toHaveLength(4)
  })

  test('with the same keys far from each other come in their order, too', async () => {
    const store = await rig.store()
    const keyed = (index: number): NewTimerRequest => ({
      draft: { ...draft(HOUR + index), key: `k${index % 200}` },
      idempotency: { key: `i${index}`, fingerprint: 'f' },
    })
    const results = await store.createAll(Array.from({ length: 600 }, (_, index) => keyed(index)))
    const first = created(results.slice(0, 200))
    expect(first.map(({ key }) => key)).toEqual(Array.from({ length: 200 }, (_, index) => `k${index}`))
    for (const [index, result] of results.slice(200).entries()) {
      expect(result).toMatchObject({ code: 'KEY_TAKEN', details: { timer_id: first[index % 200]?.id } })
    }
  })

  test('that a Redis gives taken ids to, because it lost its tail, get others', async () => {
    const store = await rig.store()
    const before = created(await store.createAll(requests(200)))
    const other = await rig.store()
    await rig.client.set(rig.keys().key('ids'), '100')
    const after = created(await other.createAll(requests(100)))
    expect(new Set([...before, ...after].map(({ id }) => id)).size).toBe(300)
    for (const { id, url } of [...before, ...after]) expect((await store.find(id))?.url).toBe(url)
    expect(rig.heard(/ids that are taken/)).toBeDefined()
  })

  test('are created once, and told so, where a reply is cut off and the step is sent again', async () => {
    const proxy = await startTcpProxy({ targetPort: rig.redis.port })
    rig.onClose(() => proxy.close())
    const store = await rig.store({ redisUrl: `redis://127.0.0.1:${proxy.port}` })
    // The ids are at hand: the reply that is cut is that of a step.
    await store.create(draft(HOUR))
    const cut = proxy.cutReplies()
    const answer = store.createAll(requests(40))
    await cut
    const timers = created(await answer)
    expect(new Set(timers.map(({ id }) => id)).size).toBe(40)
    expect(await jobs()).toHaveLength(41)
  })

  test('are told of within two seconds while Redis hangs, and what was not sent by then never is', async () => {
    const store = await rig.store({ shards: 2 })
    await store.createAll(requests(1))
    rig.redis.pause()
    const { value: results, tookMs } = await timed(() => store.createAll(requests(1_000)))
    rig.redis.resume()
    expect(tookMs).toBeLessThan(ANSWER_MS)
    expect(results).toHaveLength(1_000)
    for (const result of results) expect(result).toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await eventually(() => expect(store.health().ready).toBe(true))
    await store.create(draft(HOUR))
    // The ids were asked for, and no step had gone out.
    expect(await jobs()).toHaveLength(2)
  })

  test('keep nobody waiting who creates one beside them', async () => {
    const store = await rig.store()
    await store.createAll(requests(1_000))
    let busy = true
    const batches = Promise.all(Array.from({ length: 10 }, () => store.createAll(requests(1_000))))
    // Not all may be done in time where the machine is busy with something else: that is not asked for here.
    const over = batches.finally(() => {
      busy = false
    })
    let beside = 0
    while (busy) {
      await store.create(draft(HOUR))
      beside += 1
    }
    await over
    // Behind all that was asked for before it, the first one would be the last.
    expect(beside).toBeGreaterThan(10)
  })
})

describe('timers cancelled and redriven together', () => {
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  afterEach(() => rig.reset())

  test('answer each for itself: done, missing, or why not', async () => {
    const store = await rig.store()
    const [first, second] = [await store.create(draft(HOUR)), await store.create(draft(0))]
    const hand = await rig.take()
    await hand.due.claim()
    const outcomes = await store.cancelAll([first.id, 999, second.id, first.id, 0], ANSWER_MS)
    expect(outcomes).toEqual([
      'done',
      'missing',
      expect.objectContaining({ code: 'ALREADY_FIRING' }),
      'done',
      'missing',
    ])
    expect(await store.redriveAll([{ ref: first.id, at: undefined }], 'k', ANSWER_MS)).toEqual([
      expect.objectContaining({ code: 'NOT_REDRIVABLE' }),
    ])
  })

  test('do not have Redis read out what nobody looks at', async () => {
    const store = await rig.store()
    const ids = []
    for (let count = 0; count < 10; count += 1) ids.push((await store.create(draft(HOUR))).id)
    await rig.client.config('RESETSTAT')
    expect(await store.cancelAll(ids, ANSWER_MS)).toEqual(ids.map(() => 'done'))
    expect(await rig.client.info('commandstats')).not.toMatch(/cmdstat_hgetall/)
  })
})
