import { RetentionSweeper } from '../src/consumer/retention.ts'
import { type Shard, Shards } from '../src/shards/shards.ts'
import { upgradeTimers } from '../src/timers/upgrade.ts'
import { leftIn } from './invariants.ts'
import { draft, Rig } from './rig.ts'
import { expectFlawless } from './states.ts'

const DAY = 86_400_000
const HOUR = 3_600_000
const NOW = Date.now()
const entry = (n: number, o: string): string => JSON.stringify({ n, t: NOW, o })

/** Data as the release before format 3 wrote it: finished timers by the time at which they ended, and no sets beside. */
describe('timers of format 2', () => {
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  afterEach(() => rig.reset())

  /** A timer with these fields beside those that all have, under a score of a set. */
  async function put(
    id: number,
    set: string,
    score: number,
    dueAt: number,
    more: Record<string, string> = {},
  ): Promise<void> {
    const { key } = rig.keys()
    const createdAt = dueAt - 10 * DAY
    await rig.client.hset(key(`t${id}`), {
      name: 't',
      data: '{"u":"https://receiver.example/hook","b":"1"}',
      opts: `{"delay":${10 * DAY}}`,
      timestamp: createdAt,
      delay: 0,
      priority: 0,
      du: dueAt,
      ...more,
    })
    await rig.client.zadd(key(set), score, `t${id}`)
  }

  const finished = (id: number, status: string, endedAt: number, dueAt: number) =>
    put(id, status === 'fired' ? 'completed' : 'failed', endedAt, dueAt, {
      st: status,
      an: '1',
      bg: `0:${dueAt}`,
      ca: `1:old:${dueAt}`,
      ats: '1',
      processedOn: String(dueAt),
      finishedOn: String(endedAt),
      lg: entry(1, status === 'fired' ? 'delivered' : status === 'failed' ? 'rejected' : 'ambiguous'),
      ...(status !== 'fired' && { failedReason: status }),
    })

  async function shards(): Promise<Shards> {
    const options = { redisUrl: rig.redis.url, shards: 1, prefix: rig.prefix, log: rig.log }
    const all = new Shards(options, { changes: true })
    rig.onClose(() => all.close())
    await all.whenVerified()
    return all
  }

  async function upgrade(): Promise<readonly Shard[]> {
    await rig.client.set(rig.keys().format, '2')
    await rig.client.set(rig.keys().shardCount, '1')
    await rig.client.incrby(rig.keys().key('ids'), 10_000)
    const all = await shards()
    await upgradeTimers(all, rig.log)
    expect(rig.heard(/not all brought/)).toBeUndefined()
    expect(await rig.client.get(rig.keys().format)).toBe('3')
    return all.all
  }

  const scores = async (set: string) => rig.client.zrange(rig.keys().key(set), 0, '-1', 'WITHSCORES')

  test('finished ones lie by due time, unknown ones apart, and all in the order in which they ended', async () => {
    await finished(1, 'fired', NOW - 3 * HOUR, NOW - 5 * HOUR)
    await finished(2, 'fired', NOW - 2 * HOUR, NOW - 8 * HOUR)
    await finished(3, 'unknown', NOW - 4 * HOUR, NOW - 6 * HOUR)
    await finished(4, 'failed', NOW - HOUR, NOW - 7 * HOUR)
    // Ended in the very millisecond.
    await finished(5, 'failed', NOW - 9 * HOUR, NOW - 9 * HOUR)
    await upgrade()
    await expectFlawless(rig)
    expect(await scores('completed')).toEqual(['t2', String(NOW - 8 * HOUR), 't1', String(NOW - 5 * HOUR)])
    expect(await rig.client.zrange(rig.keys().key('failed'), 0, '-1')).toEqual(['t5', 't4', 't3'])
    expect(await scores('unknown')).toEqual(['t3', String(NOW - 6 * HOUR)])
    const ends = async (set: string) => rig.client.lrange(rig.keys().key(`finished:${set}`), 0, -1)
    expect(await ends('completed')).toEqual([`t1:${NOW - 3 * HOUR}`, `t2:${NOW - 2 * HOUR}`])
    expect(await ends('failed')).toEqual([`t5:${NOW - 9 * HOUR}`, `t3:${NOW - 4 * HOUR}`, `t4:${NOW - HOUR}`])
    const store = await rig.store()
    expect(await store.find(3)).toMatchObject({ status: 'unknown', attempts: 1, finishedAt: NOW - 4 * HOUR })
    expect(await store.resolve(3, 'fired')).toMatchObject({ status: 'fired' })
    expect(await store.redrive(4)).toMatchObject({ status: 'pending', attempts: 1 })
    await expectFlawless(rig)
  })

  test('unfinished ones are where they were, and those that wait for an attempt are known', async () => {
    const at = (ms: number): number => (NOW + ms) * 0x1000
    await put(1, 'delayed', at(HOUR), NOW + HOUR)
    await put(2, 'delayed', at(HOUR), NOW - HOUR, {
      an: '1',
      nx: String(NOW + HOUR),
      bg: `0:${NOW - HOUR}`,
      lg: entry(1, 'never_sent'),
    })
    await put(3, 'delayed', at(HOUR), NOW - HOUR, { hb: `receiver_down:${NOW + HOUR}` })
    await rig.client.zadd(rig.keys().held, NOW - HOUR, 't3')
    // Redriven: due again, with nothing that says so but its place.
    await put(4, 'delayed', at(-1), NOW - HOUR, {
      an: '1',
      bg: `1:${NOW - 1}`,
      cn: 'nonce',
      lg: entry(1, 'rejected'),
    })
    // Two due in one millisecond, as BullMQ counts them.
    await put(5, 'delayed', at(HOUR) + 1, NOW + HOUR)
    await upgrade()
    await expectFlawless(rig)
    expect(await rig.client.zrange(rig.keys().key('retries'), 0, '-1')).toEqual(['t2', 't4'])
    expect(await rig.client.zrange(rig.keys().key('held'), 0, '-1')).toEqual(['t3'])
    const redriven = await rig.take()
    expect(redriven.id).toBe(4)
    expect(await redriven.due.claim()).toMatchObject({ kind: 'granted', attempt: 2, budget: { after: 1 } })
    await expectFlawless(rig)
  })

  test('more than one step of them, many in the same millisecond, also where the upgrade was broken off and begun anew', async () => {
    const ended = NOW - HOUR
    for (let id = 1; id <= 450; id += 1) await finished(id, 'fired', ended, ended - (id % 9) * 1_000)
    for (let id = 451; id <= 900; id += 1) await finished(id, 'failed', ended + id, ended - 1)
    await upgrade()
    await expectFlawless(rig)
    await rig.client.set(rig.keys().format, '2')
    await upgradeTimers(await shards(), rig.log)
    await expectFlawless(rig)
    expect(await rig.client.zcard(rig.keys().key('completed'))).toBe(450)
  })

  test('that ended long ago were kept for another whole retention, behind one that has just ended', async () => {
    for (let id = 1; id <= 300; id += 1) {
      await finished(id, id % 3 === 0 ? 'unknown' : 'fired', NOW - 10 * DAY + id, NOW - 11 * DAY)
    }
    await finished(301, 'failed', NOW - HOUR, NOW - 11 * DAY)
    await finished(302, 'fired', NOW - HOUR, NOW - 11 * DAY)
    await rig.client.incrby(rig.keys().key('ids'), 1_000)
    const store = await rig.store()
    // It ends before the upgrade comes to the others.
    const { id } = await store.create(draft(HOUR))
    await store.cancel(id)
    const all = await upgrade()
    await expectFlawless(rig)
    expect(await new RetentionSweeper({ all }, 5, rig.log).sweep()).toBe(300)
    await expectFlawless(rig)
    expect((await leftIn(rig.client, rig.keys())).filter((name) => /^t\d+$/.test(name)).toSorted()).toEqual(
      ['t301', 't302', `t${id}`].toSorted(),
    )
    expect(await new RetentionSweeper({ all }, 0, rig.log).sweep()).toBe(3)
    expect(await leftIn(rig.client, rig.keys())).toEqual([])
  })
})
