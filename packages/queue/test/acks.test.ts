import { eventually, startTestSentinel, type TestSentinel, timed } from '@timers/lab'
import { NotConfirmedError } from '../src/nodes/acks.ts'
import { Node } from '../src/nodes/node.ts'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { NodesRig } from './nodes-rig.ts'
import { draft } from './rig.ts'

const HOUR = 3_600_000
/** What the API promises a client, in milliseconds. */
const ANSWER_MS = 2_000

type RedisOfTest = Awaited<ReturnType<TestSentinel['redis']['primary']>>

function knowsWaitAof(info: string): boolean {
  const [, major, minor] = /redis_version:(\d+)\.(\d+)/.exec(info) ?? []
  return Number(major) > 7 || (Number(major) === 7 && Number(minor) >= 2)
}

describe('changes that wait for replicas', () => {
  let sentinel: TestSentinel
  let primary: RedisOfTest
  let replica: RedisOfTest
  let rig: NodesRig
  let store: RedisTimerStore

  beforeAll(async () => {
    // No Sentinel takes the primary for gone, whatever stands still here.
    sentinel = await startTestSentinel({ network: true, downAfterMs: 60_000 })
    primary = await sentinel.redis.primary()
    replica = (await sentinel.redis.replicas())[0] as RedisOfTest
  })
  afterAll(() => sentinel.stop())
  beforeEach(async () => {
    rig = new NodesRig({ redisUrl: sentinel.url, replicaAcks: 1 })
    store = await rig.store()
    // Its ids are at hand, and its script is known, after the first.
    await store.create(draft(HOUR))
  })
  afterEach(async () => {
    replica.thaw()
    sentinel.network.to(primary).replicas.setDelay(0)
    await rig.close()
    await sentinel.redis.healthy()
  })

  const calls = async (command: string) =>
    Number(
      new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(
        String(await primary.command('INFO', 'commandstats')),
      )?.[1] ?? 0,
    )
  const unavailable = { status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } }

  test('a create is answered when the replica has it', async () => {
    sentinel.network.to(primary).replicas.setDelay(50)
    const { value, tookMs } = await timed(() => store.create(draft(HOUR)))
    expect(tookMs).toBeGreaterThan(50)
    expect(await replica.command('EXISTS', `timers:{0}:t${value.id}`)).toBe(1)
  })

  test('a replica that is farther away than a look takes confirms under load, too', async () => {
    sentinel.network.to(primary).replicas.setDelay(30)
    const until = performance.now() + 1_000
    const writer = async () => {
      while (performance.now() < until) await store.create(draft(HOUR))
    }
    const steady = setInterval(() => void store.create(draft(HOUR)).catch(() => {}), 3)
    try {
      await Promise.all(Array.from({ length: 5 }, writer))
    } finally {
      clearInterval(steady)
    }
  })

  test('all creates of a turn have one wait together', async () => {
    const before = await calls('wait')
    await Promise.all(Array.from({ length: 30 }, () => store.create(draft(HOUR))))
    expect((await calls('wait')) - before).toBeLessThanOrEqual(2)
  })

  test('a replica that stands still: 503 in time, and the same key finds the timer when it is back', async () => {
    const idempotency = { key: 'an order', fingerprint: 'same' }
    const other = await rig.store()
    await other.create(draft(HOUR))
    replica.freeze()
    const { value, tookMs } = await timed(() => Promise.allSettled([store.create(draft(HOUR), idempotency)]))
    expect(value).toMatchObject([unavailable])
    expect(tookMs).toBeLessThan(ANSWER_MS)
    // The replay would answer with a timer that a failover may still forget; also over a connection that has not written it.
    const replays = [store.create(draft(HOUR), idempotency), other.create(draft(HOUR), idempotency)]
    expect(await Promise.allSettled(replays)).toMatchObject([unavailable, unavailable])
    replica.thaw()
    const { id } = await eventually(() => store.create(draft(HOUR), idempotency))
    expect(await store.create(draft(HOUR), idempotency)).toMatchObject({ id })
    expect(await store.find(id)).toMatchObject({ status: 'pending' })
  })

  test('every change waits', async () => {
    const timers = await Promise.all(Array.from({ length: 7 }, () => store.create(draft(HOUR))))
    const id = (place: number) => timers[place]?.id ?? 0
    const first = async (results: Promise<readonly unknown[]>) => Promise.reject((await results)[0])
    replica.freeze()
    const { value, tookMs } = await timed(() =>
      Promise.allSettled([
        store.cancel(id(0)),
        store.change(id(1), { due: { delayMs: HOUR } }),
        store.fire(id(2)),
        store.redrive(id(3)),
        store.resolve(id(4), 'fired'),
        store.upsert('a key', { ...draft(HOUR), key: 'a key' }, 'replace'),
        first(store.createAll([{ draft: draft(HOUR) }])),
        first(store.cancelAll([id(5)], 1_800)),
        first(store.redriveAll([{ ref: id(6), at: undefined }], 'a walk', 1_800)),
      ]),
    )
    expect(tookMs).toBeLessThan(ANSWER_MS)
    expect(value).toMatchObject(Array(value.length).fill(unavailable))
    expect(rig.heard(/too few replicas confirm/)).toHaveLength(1)
    replica.thaw()
    await eventually(() => store.create(draft(HOUR)))
    expect(rig.heard(/replicas confirm again/)).toHaveLength(1)
  })

  test('a block of ids that a failover may forget is not used', async () => {
    const other = await rig.store()
    const stored = () => primary.command('ZCARD', 'timers:{0}:delayed')
    const before = await stored()
    replica.freeze()
    await expect(other.create(draft(HOUR))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(await stored()).toBe(before)
  })

  test('a server that can tell is asked whether it is on disk, too', async () => {
    const knows = knowsWaitAof(String(await primary.command('INFO', 'server')))
    const before = await calls('waitaof')
    await eventually(async () => {
      await store.create(draft(HOUR))
      // Redis 7.0 has no such command: the answers of other versions show in runs with them (docs/adr/0016-replica-acks.md).
      expect((await calls('waitaof')) > before).toBe(knows)
    })
    const { tookMs } = await timed(async () => {
      for (let i = 0; i < 10; i += 1) await store.create(draft(HOUR))
    })
    // A WAITAOF alone would take a second each time.
    expect(tookMs).toBeLessThan(5_000)
  })

  test('a script that Redis has forgotten waits as before', async () => {
    await primary.command('SCRIPT', 'FLUSH')
    await store.create(draft(HOUR))
    replica.freeze()
    await primary.command('SCRIPT', 'FLUSH')
    await expect(store.create(draft(HOUR))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })

  describe('on one connection', () => {
    let node: Node

    beforeEach(async () => {
      const hooks = () => ({ check: async () => {}, verified() {}, unfit() {} })
      const endpoint = { kind: 'single', url: `redis://127.0.0.1:${primary.clientPort}` } as const
      node = new Node(
        'redis',
        endpoint,
        { log: rig.log },
        { changes: true, hooks, unfit() {}, replicaAcks: 1 },
      )
      await eventually(() => expect(node.changes?.status).toBe('ready'))
    })
    afterEach(() => node.close())

    const write = (key: string) => node.changes?.eval("return redis.call('SET', KEYS[1], '1')", 1, key)
    const failureOf = (answer: unknown) =>
      Promise.resolve(answer).then(
        (value) => value,
        (error: unknown) => error,
      )

    test('a connection that is lost between the write and the wait: not confirmed, at once', async () => {
      replica.freeze()
      const answer = failureOf(write('cut'))
      await eventually(async () => expect(await primary.command('EXISTS', 'cut')).toBe(1))
      const { tookMs } = await timed(async () => {
        sentinel.network.to(primary).clients.dropConnections()
        expect(await answer).toMatchObject({ name: 'NotConfirmedError', answer: 'OK' })
      })
      expect(tookMs).toBeLessThan(1_000)
    })

    test('a command that is sent again over a new connection is confirmed there', async () => {
      const { clients } = sentinel.network.to(primary)
      const cut = clients.cutReplies()
      const answer = failureOf(write('again'))
      await cut
      expect(await answer).toBe('OK')
      replica.freeze()
      const cutAgain = clients.cutReplies()
      const second = failureOf(write('again'))
      await cutAgain
      expect(await second).toBeInstanceOf(NotConfirmedError)
    })

    test('a primary that stands still after the write: no answer, and no yes when it is back', async () => {
      replica.freeze()
      const answer = failureOf(write('frozen'))
      await eventually(async () => expect(await primary.command('EXISTS', 'frozen')).toBe(1))
      primary.freeze()
      try {
        expect(await answer).toBeInstanceOf(Error)
      } finally {
        primary.thaw()
      }
    })
  })
})
