import type { FinalStatus } from '@timers/core'
import { jobIdOf, timerIdOf } from '../src/shards/shard-keys.ts'
import { Shards } from '../src/shards/shards.ts'
import { toTimer } from '../src/timers/stored-timer.ts'
import { TimerCommands } from '../src/timers/timer-commands.ts'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { upgradeTimers } from '../src/timers/upgrade.ts'
import { delivered, fired, Rig } from './rig.ts'
import { expectFlawless, neverSent, refusal, retryIn } from './states.ts'

const HOUR = 3_600_000
const ON: readonly FinalStatus[] = ['fired', 'failed', 'unknown', 'expired', 'cancelled']
const EVENTS = { url: 'https://told.example/', on: ON }

/** What release 0.1 stored: no due time, the payload as a value, a delivery as the job's return value. */
describe.each([
  ['that the upgrade has not come to yet', '1'],
  ['that an old API created after the upgrade', '3'],
])('a timer of release 0.1 %s', (_when, format) => {
  let rig: Rig
  let store: RedisTimerStore
  let dueAt: number

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  beforeEach(async () => {
    await rig.client.set(rig.keys().format, format)
    await rig.client.set(rig.keys().shardCount, '1')
    await rig.client.incrby(rig.keys().key('ids'), 10_000)
    dueAt = Date.now() + HOUR
    store = await rig.store({ events: EVENTS })
  })
  afterEach(async () => {
    if ((await rig.client.get(rig.keys().format)) === '1') await upgrade()
    await expectFlawless(rig).finally(() => rig.reset())
  })

  async function upgrade(): Promise<void> {
    const options = { redisUrl: rig.redis.url, shards: 1, prefix: rig.prefix, log: rig.log }
    const all = new Shards(options, { changes: true })
    rig.onClose(() => all.close())
    await all.whenVerified()
    await upgradeTimers(all, rig.log)
    expect(rig.heard(/not all brought/)).toBeUndefined()
  }

  async function put(set: string, score: number, more: Record<string, string> = {}): Promise<void> {
    const { key } = rig.keys()
    await rig.client.hset(key('t1'), {
      name: 't',
      data: '{"u":"https://receiver.example/hook","p":{"none":[],"long":12345678901234567,"part":0.1234567890123456}}',
      opts: `{"delay":${2 * HOUR}}`,
      timestamp: dueAt - 2 * HOUR,
      delay: 2 * HOUR,
      priority: 0,
      ...more,
    })
    await rig.client.zadd(key(set), score, 't1')
  }
  const pending = () => put('delayed', dueAt * 0x1000)
  const wasFired = async () => {
    // By a worker of 0.1, and so before the upgrade.
    await rig.client.set(rig.keys().format, '1')
    await put('completed', dueAt - HOUR, {
      ca: `1:old:${dueAt}`,
      finishedOn: String(dueAt - HOUR),
      returnvalue: JSON.stringify({ n: 1, t: dueAt - HOUR, o: 'delivered', s: 200 }),
    })
  }

  async function told() {
    const [jobId = ''] = await rig.client.zrange(rig.keys().key('outbox'), 0, '-1')
    const { payload } = toTimer(timerIdOf(jobId), await rig.hash(timerIdOf(jobId)))
    return JSON.parse(String(payload)).data.timer
  }

  test('had another payload after a PATCH of its headers', async () => {
    await pending()
    const before = await store.find(1)
    expect(await store.change(1, { headers: { 'x-a': 'b' } })).toMatchObject({
      payload: before?.payload,
      dueAt,
    })
  })

  test('had another payload after a PATCH while it waited for a retry', async () => {
    dueAt = Date.now() - HOUR
    await pending()
    const hand = await rig.take()
    await hand.due.claim()
    await hand.due.settle(1, neverSent, retryIn(HOUR))
    const before = await store.find(1)
    expect(await store.change(1, { headers: { 'x-a': 'b' } })).toMatchObject({ payload: before?.payload })
  })

  test('lay, cancelled, at the time at which it was created, and its event told that time', async () => {
    await pending()
    expect(await store.cancel(1)).toMatchObject({ status: 'cancelled', dueAt })
    expect(await rig.client.zscore(rig.keys().key('cancelled'), 't1')).toBe(String(dueAt))
    expect((await told()).due_at).toBe(new Date(dueAt).toISOString())
  })

  test('had an event with another due time when it had fired', async () => {
    dueAt = Date.now() - HOUR
    await pending()
    const hand = await rig.take()
    const commands = new TimerCommands(rig.client, rig.keys(), { events: EVENTS })
    const due = await rig.due(1, hand.token, commands)
    await due.claim()
    await due.settle(1, delivered(), fired)
    expect(await rig.client.zscore(rig.keys().key('completed'), jobIdOf(1))).toBe(String(dueAt))
    expect((await told()).due_at).toBe(new Date(dueAt).toISOString())
  })

  test('and had fired was said to be firing still', async () => {
    await wasFired()
    const finished = { code: 'ALREADY_FINISHED', status: 'fired' }
    expect(await refusal(store.cancel(1))).toEqual(finished)
    expect(await refusal(store.change(1, { payload: '1' }))).toEqual(finished)
    const [cancelled, redriven] = [
      await store.cancelAll([1], 1_000),
      await store.redriveAll([{ ref: 1, at: undefined }], 'again', 1_000),
    ]
    expect(cancelled).toMatchObject([finished].map(({ code, status }) => ({ code, details: { status } })))
    expect(redriven).toMatchObject([{ code: 'NOT_REDRIVABLE', details: { status: 'fired' } }])
  })
})
