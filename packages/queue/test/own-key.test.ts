import type { TimerDraft, Upserted } from '@timers/core'
import { eventually, startTcpProxy } from '@timers/lab'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { rig, states, store, useBed } from './bed.ts'
import { delivered, draft, fired } from './rig.ts'
import { ALL_ENDED, ALL_UNCLAIMED, refusal } from './states.ts'

const HOUR = 3_600_000
const KEY = 'order-17'
const keyed: TimerDraft = { ...draft(HOUR), key: KEY }
const NEW: TimerDraft = {
  url: 'https://receiver.example/new',
  payload: '1',
  labels: ['new'],
  delayMs: 2 * HOUR,
}

describe('a key of its own', () => {
  useBed()

  const claim = { owner: '', nonce: 'n' }

  test.each(ALL_UNCLAIMED)('of a timer that %s is taken', async (where) => {
    const { id } = await states.unclaimed(where, { key: KEY })
    expect(await refusal(store.create(keyed))).toEqual({ code: 'KEY_TAKEN', timer_id: id })
    expect((await store.find({ key: KEY }))?.id).toBe(id)
    expect((await store.create({ ...keyed, owner: 'another' })).id).not.toBe(id)
  })

  test('of a timer that fires is taken', async () => {
    const { id } = await states.claimed({ key: KEY })
    expect(await refusal(store.create(keyed))).toEqual({ code: 'KEY_TAKEN', timer_id: id })
  })

  test.each(ALL_ENDED)('of a timer that is %s is free again', async (status) => {
    const before = await states.ended(status, { key: KEY })
    const { id } = await store.create(keyed)
    expect(id).not.toBe(before)
    expect((await store.find({ key: KEY }))?.id).toBe(id)
    expect(await store.find(before)).toMatchObject({ status, key: KEY })
  })

  describe('upsert', () => {
    test.each(ALL_UNCLAIMED)('of a timer that %s takes all of the new one', async (where) => {
      const { id, hand } = await states.unclaimed(where, {
        key: KEY,
        labels: ['old'],
        expiresIn: 5,
        payload: '0',
      })
      const { timer, created, previous } = await store.upsert(KEY, NEW, 'replace')
      expect({ created, previous }).toEqual({ created: false, previous: undefined })
      expect(timer).toMatchObject({
        id,
        key: KEY,
        status: 'pending',
        url: NEW.url,
        payload: '1',
        labels: ['new'],
      })
      expect(timer).not.toHaveProperty('expiresIn')
      expect(timer.dueAt).toBeGreaterThan(Date.now() + 1.9 * HOUR)
      if (hand !== undefined) expect(['changed', 'lost']).toContain((await hand.due.claim()).kind)
    })

    test('keeps the time, or all, where that is asked for', async () => {
      const { id, dueAt } = await store.create({ ...keyed, payload: '0' })
      const due = await store.upsert(KEY, NEW, 'keep_due')
      expect(due).toMatchObject({ created: false, timer: { id, dueAt, payload: '1' } })
      const all = await store.upsert(KEY, { ...NEW, payload: '2' }, 'keep')
      expect(all).toMatchObject({ created: false, timer: { id, dueAt, payload: '1' } })
    })

    test('that kept a timer, sent again when that one had fired, stored another', async () => {
      const timer = await store.create({ ...keyed, delayMs: 1 })
      const put = () => {
        const now = Date.now()
        const asked = {
          id: 1_000_001,
          data: '{"u":"https://receiver.example/"}',
          createdAt: now,
          dueAt: now + HOUR,
          owner: '',
        }
        const extras = { key: KEY, labels: '', expires: '', callback: '' }
        return rig.clients.upsert({ ...asked, extras }, 'nonce', undefined)
      }
      expect(await put()).toMatchObject({ kind: 'changed', id: timer.id })
      const hand = await rig.take()
      await hand.due.claim()
      await hand.due.settle(1, delivered(), fired)
      expect(await put()).toMatchObject({ kind: 'changed', id: timer.id, hash: { st: 'fired' } })
    })

    test('of a timer that fires, or has finished, leaves it alone and says so', async () => {
      const hand = await states.claimed({ key: KEY })
      const second = await store.upsert(KEY, NEW, 'replace')
      expect(second).toMatchObject({ created: true, previous: { id: hand.id, status: 'firing' } })
      await hand.due.settle(1, delivered(), fired)
      await store.cancel(second.timer.id)
      const third = await store.upsert(KEY, NEW, 'keep')
      expect(third).toMatchObject({ created: true, previous: { id: second.timer.id, status: 'cancelled' } })
      expect((await store.find({ key: KEY }))?.id).toBe(third.timer.id)
    })

    test('a thousand by twenty clients leave one timer, at the last time and with the last content', async () => {
      const other = await rig.store()
      const answers: Upserted[] = []
      const client = async (from: number): Promise<void> => {
        for (let turn = from; turn < 1_000; turn += 20) {
          const content = { ...NEW, payload: String(turn), delayMs: HOUR + turn }
          answers.push(await (turn % 2 === 0 ? store : other).upsert(KEY, content, 'replace'))
        }
      }
      await Promise.all(Array.from({ length: 20 }, (_, from) => client(from)))
      expect(answers.filter(({ created }) => created)).toHaveLength(1)
      expect(new Set(answers.map(({ timer }) => timer.id)).size).toBe(1)
      expect(await rig.client.zcard(rig.keys().key('delayed'))).toBe(1)
      const last = await store.upsert(KEY, { ...NEW, payload: '"last"', delayMs: 3 * HOUR }, 'replace')
      expect(await store.find({ key: KEY })).toEqual(last.timer)
      expect(last.timer.payload).toBe('"last"')
    })

    test('and the claim of a worker at the same moment: one of two ends, never none', async () => {
      const ended = { changed: 0, created: 0 }
      for (let round = 0; round < 60; round += 1) {
        const key = `race-${round}`
        const { due, id } = await states.due({ key })
        const claiming = (async () => {
          for (let lag = 0; lag < round % 8; lag += 1) await rig.client.ping()
          return due.claim()
        })()
        const [put, { kind }] = await Promise.all([store.upsert(key, NEW, 'replace'), claiming])
        if (put.created) {
          expect(kind).toBe('granted')
          expect(put.previous).toEqual({ id, status: 'firing' })
          await due.settle(1, delivered(), fired)
          ended.created += 1
        } else {
          expect(['changed', 'lost']).toContain(kind)
          expect(put.timer.id).toBe(id)
          ended.changed += 1
        }
        expect(await store.find({ key })).toMatchObject({ status: 'pending', url: NEW.url })
      }
      expect(ended.changed).toBeGreaterThan(0)
      expect(ended.created).toBeGreaterThan(0)
    })

    test('was carried out again on another timer, when it was sent again after that one had got the key', async () => {
      const { id } = await store.create(keyed)
      const timer = {
        id: 900,
        data: JSON.stringify({ u: 'https://receiver.example/put' }),
        createdAt: Date.now(),
        dueAt: Date.now() + HOUR,
        owner: '',
        extras: { key: KEY, labels: '', expires: '', callback: '' },
      }
      const change = { d: timer.data, t: String(timer.dueAt) }
      expect(await rig.clients.upsert(timer, claim.nonce, change)).toMatchObject({ kind: 'changed', id })
      await store.cancel(id)
      const next = await store.create({ ...keyed, payload: '"next"' })
      expect((await rig.clients.upsert(timer, claim.nonce, change)).kind).toBe('changed')
      expect(await store.find(next.id)).toMatchObject({
        payload: '"next"',
        dueAt: next.dueAt,
        url: keyed.url,
      })
    })
  })

  test('a PUT that was sent again changed the timer that a redrive had given the key to meanwhile', async () => {
    const old = await states.ended('failed', { key: KEY, payload: '"old"' })
    const newer = await store.create({ ...keyed, delayMs: 1 })
    const data = JSON.stringify({ u: 'https://receiver.example/put' })
    const asked = { id: 900, data, createdAt: Date.now(), dueAt: Date.now() + 1, owner: '' }
    const extras = { key: KEY, labels: '', expires: '', callback: '' }
    const put = () => rig.clients.upsert({ ...asked, extras }, 'nonce', { d: data, t: String(asked.dueAt) })
    expect(await put()).toMatchObject({ kind: 'changed', id: newer.id })
    const hand = await rig.take()
    await hand.due.claim()
    await hand.due.settle(1, delivered(), fired)
    const redriven = await store.redrive(old, { at: Date.now() + HOUR })
    expect(redriven).toMatchObject({ status: 'pending', payload: '"old"' })
    expect(await put()).toMatchObject({ kind: 'changed' })
    expect(await store.find(old)).toEqual(redriven)
  })

  test.each([
    ['cancel', (far: RedisTimerStore) => far.cancel({ key: KEY })],
    [
      'change',
      (far: RedisTimerStore) =>
        far.change({ key: KEY }, { payload: '"changed"', due: { delayMs: 3 * HOUR } }),
    ],
  ])(
    'a %s by key whose reply was lost was carried out on the timer that had got the key by then, too',
    async (verb, send) => {
      const proxy = await startTcpProxy({ targetPort: Number(new URL(rig.redis.url).port) })
      rig.onClose(() => proxy.close())
      const far = await rig.store({ redisUrl: rig.redis.url.replace(/:\d+/, `:${proxy.port}`) })
      const first = await store.create(keyed)
      // It is looked up, and carried out when the reply can no more come through.
      await rig.client.client('PAUSE', 10_000, 'WRITE')
      const answer = send(far)
      await eventually(async () =>
        expect(await rig.client.client('LIST')).toMatch(/name=timers-producer .* flags=b/),
      )
      await proxy.setMode('hold-replies')
      await rig.client.client('UNPAUSE')
      await eventually(async () =>
        expect((await rig.hash(first.id))[verb === 'cancel' ? 'st' : 'vn']).toBeDefined(),
      )
      if (verb === 'change') await store.cancel(first.id)
      const second = await store.create({ ...keyed, payload: '"second"' })
      await proxy.setMode('forward')
      proxy.dropConnections()
      expect(await answer).toMatchObject({ id: first.id, status: 'cancelled' })
      expect(await store.find({ key: KEY })).toMatchObject({
        id: second.id,
        status: 'pending',
        dueAt: second.dueAt,
        payload: '"second"',
      })
    },
  )

  test('a redrive that was refused moved the key to the old timer', async () => {
    const hand = await states.claimed({ key: KEY })
    await rig.stall(hand)
    const second = await rig.take()
    // It is failed, and not at its place: another worker has it.
    await hand.due.settle(
      1,
      { outcome: 'rejected', sentAt: 1, responseStatus: 404 },
      { kind: 'final', status: 'failed' },
    )
    const { timer } = await store.upsert(KEY, NEW, 'replace')
    await store.cancel(timer.id)
    expect(await refusal(store.redrive(hand.id))).toEqual({ code: 'NOT_REDRIVABLE', status: 'failed' })
    expect((await store.find({ key: KEY }))?.id).toBe(timer.id)
    expect(await second.due.claim()).toMatchObject({ kind: 'finished' })
    await second.due.rest()
    expect((await store.redrive(hand.id))?.status).toBe('pending')
    expect((await store.find({ key: KEY }))?.id).toBe(hand.id)
  })

  test('of a failed timer that another has by now: it cannot be redriven', async () => {
    const failed = await states.ended('failed', { key: KEY })
    const { id } = await store.create(keyed)
    expect(await refusal(store.redrive(failed))).toEqual({ code: 'KEY_TAKEN', timer_id: id })
    expect(await rig.places(failed)).toEqual(['failed'])
    await store.cancel({ key: KEY })
    expect((await store.redrive(failed))?.status).toBe('pending')
    expect((await store.find({ key: KEY }))?.id).toBe(failed)
    expect(await refusal(store.create(keyed))).toEqual({ code: 'KEY_TAKEN', timer_id: failed })
  })
})
