import type { DueTimer } from '@timers/core'
import { eventually, startTestSentinel, type TestSentinel, timed } from '@timers/lab'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { NodesRig } from './nodes-rig.ts'
import { delivered, draft, fired } from './rig.ts'

type RedisOfTest = Awaited<ReturnType<TestSentinel['redis']['primary']>>

describe('claims that wait for replicas', () => {
  let sentinel: TestSentinel
  let replica: RedisOfTest
  let rig: NodesRig
  let store: RedisTimerStore
  /** Ids of those whose request has left. */
  let sent: number[]

  beforeAll(async () => {
    // No Sentinel takes the primary for gone, whatever stands still here.
    sentinel = await startTestSentinel({ downAfterMs: 60_000 })
    replica = (await sentinel.redis.replicas())[0] as RedisOfTest
  })
  afterAll(() => sentinel.stop())
  beforeEach(async () => {
    rig = new NodesRig({ redisUrl: sentinel.url, replicaAcks: 1 })
    store = await rig.store()
    sent = []
  })
  afterEach(async () => {
    replica.thaw()
    await rig.close()
    await sentinel.redis.healthy()
    await sentinel.redis.flush()
  })

  /** What the worker does, without HTTP. */
  const fire = async (due: DueTimer): Promise<void> => {
    const claim = await due.claim()
    if (claim.kind === 'expired') return
    if (claim.kind !== 'granted') throw new Error(claim.kind)
    if (!claim.mayLeave()) {
      const reason = claim.unconfirmed === true ? 'too few replicas' : 'too old'
      await due.settle(claim.attempt, { outcome: 'never_sent', sentAt: Date.now(), reason }, retryNow())
      return
    }
    sent.push(due.timer.id)
    await due.settle(claim.attempt, delivered(), fired)
  }
  const retryNow = () => ({ kind: 'retry', at: Date.now() }) as const
  const create = async (count: number, delayMs: number) =>
    (await Promise.all(Array.from({ length: count }, () => store.create(draft(delayMs))))).map(({ id }) => id)
  const isClaimed = async (id: number) => {
    const primary = await sentinel.redis.primary()
    return (await primary.command('HEXISTS', `timers:{0}:t${id}`, 'ca')) === 1
  }

  test('a replica that stands still: nothing is sent, and each once when it is back, at its first attempt', async () => {
    const ids = await create(20, 1_000)
    await rig.consumer({ handle: fire })
    replica.freeze()
    await eventually(async () => expect(await Promise.all(ids.map(isClaimed))).not.toContain(false))
    await eventually(() => expect(rig.heard(/too few replicas confirm/)).toHaveLength(1))
    expect(sent).toEqual([])
    replica.thaw()
    await eventually(() => expect([...sent].sort((a, b) => a - b)).toEqual(ids))
    for (const id of ids) {
      await eventually(async () =>
        expect(await store.find(id)).toMatchObject({ status: 'fired', attempts: 1 }),
      )
    }
    expect(rig.heard(/./).filter(({ level }) => level === 'warn')).toHaveLength(1)
  })

  test('what is settled meanwhile does not wait for them', async () => {
    let leave = () => {}
    const left = new Promise<void>((resolve) => {
      leave = resolve
    })
    const tookMs: number[] = []
    const under = new Set<number>()
    await rig.consumer({
      handle: async (due) => {
        const claim = await due.claim()
        if (claim.kind !== 'granted' || !claim.mayLeave()) throw new Error(claim.kind)
        under.add(due.timer.id)
        await left
        const settled = await timed(() => due.settle(claim.attempt, delivered(), fired))
        tookMs.push(settled.tookMs)
      },
    })
    await create(10, 1)
    await eventually(() => expect(under.size).toBe(10))
    const late = await create(10, 500)
    replica.freeze()
    // Claims that wait for the replica, over the same connection.
    await eventually(async () => expect(await Promise.all(late.map(isClaimed))).not.toContain(false))
    leave()
    await eventually(() => expect(tookMs).toHaveLength(10))
    expect(Math.max(...tookMs)).toBeLessThan(1_000)
  })

  test('a worker that ends while it waits gives back what it has claimed, never sent, and another sends it', async () => {
    const [id = 0] = await create(1, 1_000)
    const consumer = await rig.consumer({ handle: fire })
    replica.freeze()
    await eventually(async () => expect(await isClaimed(id)).toBe(true))
    await consumer.stop()
    expect(sent).toEqual([])
    replica.thaw()
    await rig.consumer({ handle: fire })
    await eventually(() => expect(sent).toEqual([id]))
    await eventually(async () =>
      expect(await store.find(id)).toMatchObject({
        status: 'fired',
        log: [
          { attempt: 1, outcome: 'never_sent', reason: 'too few replicas' },
          { attempt: 2, outcome: 'delivered' },
        ],
      }),
    )
  })

  test('a consumer that is started anew while a claim waits, as where shards are added: no attempt is used up', async () => {
    const [id = 0] = await create(1, 1_000)
    const consumer = await rig.consumer({ handle: fire })
    replica.freeze()
    await eventually(async () => expect(await isClaimed(id)).toBe(true))
    await consumer.restart()
    // One that comes two seconds later, by when the first would have been given back.
    const impatient = await rig.store({ replicaAcks: 0 })
    const { id: next } = await impatient.create(draft(2_000))
    await eventually(async () => expect(await isClaimed(next)).toBe(true))
    replica.thaw()
    await eventually(() => expect(sent.toSorted((a, b) => a - b)).toEqual([id, next]))
    for (const each of [id, next]) {
      await eventually(async () =>
        expect(await store.find(each)).toMatchObject({ status: 'fired', attempts: 1 }),
      )
    }
  })

  test('a timer that expires while its claim waits is not sent', async () => {
    const { id } = await store.create({ ...draft(1_000), expiresIn: 1 })
    await rig.consumer({ handle: fire })
    replica.freeze()
    await eventually(async () => expect(await isClaimed(id)).toBe(true))
    const dueAt = (await store.find(id))?.dueAt ?? 0
    await eventually(() => expect(Date.now()).toBeGreaterThan(dueAt + 1_100))
    replica.thaw()
    await eventually(async () => expect(await store.find(id)).toMatchObject({ status: 'expired' }))
    expect(sent).toEqual([])
  })
})
