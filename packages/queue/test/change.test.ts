import type { TimerChange } from '@timers/core'
import { eventually } from '@timers/lab'
import { rig, states, store, useBed } from './bed.ts'
import { delivered, draft, fired, unknown } from './rig.ts'
import {
  ALL_ENDED,
  ALL_UNCLAIMED,
  expectFlawless,
  interrupted,
  neverSent,
  refusal,
  retryIn,
} from './states.ts'

const HOUR = 3_600_000
const NEW = { payload: '{"new":true}', url: 'https://receiver.example/new', labels: ['late'] } as const
const EXTRAS = { payload: '{"old":true}', labels: ['eu', 'mail'], key: 'order-17' } as const

describe('change', () => {
  useBed()

  /** Nobody but a promoted other timer may be taken. */
  const isDue = async (id: number): Promise<boolean> => {
    const wake = await rig.client.zscore(rig.keys().key('delayed'), `t${id}`)
    return wake === null || Number(wake) / 0x1000 <= Date.now()
  }

  describe.each(ALL_UNCLAIMED)('of a timer that %s', (where) => {
    test.each<[string, TimerChange]>([
      ['its content', NEW],
      ['its content, and to a later time', { ...NEW, due: { delayMs: HOUR } }],
      ['its content, and to now', { ...NEW, due: { delayMs: 0 } }],
    ])('%s: who has the old has it no more, and the new is sent', async (_, change) => {
      const { id, hand } = await states.unclaimed(where, EXTRAS)
      const before = await store.find(id)
      const askedAt = Date.now()
      const changed = await store.change(id, change)
      expect(changed).toMatchObject({
        id,
        status: 'pending',
        ...NEW,
        key: 'order-17',
        attempts: before?.attempts,
      })
      expect(changed?.log).toEqual(before?.log)
      if (change.due === undefined) expect(changed?.dueAt).toBe(before?.dueAt)
      else {
        const { delayMs } = change.due as { delayMs: number }
        expect(changed?.dueAt).toBeGreaterThanOrEqual(askedAt + delayMs)
        expect(changed?.dueAt).toBeLessThanOrEqual(Date.now() + delayMs)
      }
      await expectFlawless(rig)
      if (hand !== undefined) {
        expect(['changed', 'lost']).toContain((await hand.due.peek()).kind)
        expect(['changed', 'lost']).toContain((await hand.due.claim()).kind)
        await hand.due.defer(Date.now() + HOUR, 'receiver_limit')
        await expectFlawless(rig)
      }
      expect(await store.find(id)).toEqual(changed)
      if (await isDue(id)) {
        const next = await rig.take()
        expect(next.id).toBe(id)
        expect(next.due.timer).toMatchObject(NEW)
        expect(await next.due.claim()).toMatchObject({ kind: 'granted' })
        await next.due.settle((before?.attempts ?? 0) + 1, delivered(), fired)
        expect((await store.find(id))?.status).toBe('fired')
      } else {
        expect(changed?.nextAttemptAt ?? changed?.dueAt).toBeGreaterThan(Date.now() + HOUR / 2)
        expect(await rig.places(id)).toEqual(['delayed'])
      }
    })
  })

  test('of one that is claimed is refused, also when its worker was lost', async () => {
    const hand = await states.claimed()
    const firing = { code: 'ALREADY_FIRING', status: 'firing' }
    expect(await refusal(store.change(hand.id, NEW))).toEqual(firing)
    await rig.stall(hand)
    expect(await refusal(store.fire(hand.id))).toEqual(firing)
    const second = await rig.take()
    await second.due.claim()
    await second.due.settle(1, interrupted, unknown)
    expect(await refusal(store.change(hand.id, NEW))).toEqual({ code: 'ALREADY_FINISHED', status: 'unknown' })
  })

  test.each(ALL_ENDED)('of one that is %s is refused', async (status) => {
    const id = await states.ended(status)
    expect(await refusal(store.change(id, NEW))).toEqual({ code: 'ALREADY_FINISHED', status })
    expect(await refusal(store.fire(id))).toEqual({ code: 'ALREADY_FINISHED', status })
  })

  test('a worker that took the timer anew under the same token acted for the old one', async () => {
    const old = await states.due(EXTRAS)
    await store.change(old.id, { due: { delayMs: 0 } })
    const worker = await rig.take()
    // The same worker: BullMQ gives it the same token for all that one of its places takes.
    await rig.client.set(rig.keys().key(`t${old.id}:lock`), old.token, 'PX', 60_000)
    const anew = await rig.due(old.id, old.token)
    expect(worker.id).toBe(old.id)
    expect(await old.due.peek()).toEqual({ kind: 'changed' })
    expect(await old.due.claim()).toEqual({ kind: 'changed' })
    await old.due.defer(Date.now() + HOUR)
    expect(await rig.places(old.id)).toEqual(['active'])
    expect(await anew.claim()).toMatchObject({ kind: 'granted', attempt: 1 })
    await old.due.rest()
    expect(await rig.places(old.id)).toEqual(['active'])
    await anew.settle(1, delivered(), fired)
  })

  test('a worker whose lock ran out, and that took the same timer again, claimed it for both', async () => {
    const old = await states.due()
    await rig.stall(old)
    await rig.take()
    await rig.client.set(rig.keys().key(`t${old.id}:lock`), old.token, 'PX', 60_000)
    const anew = await rig.due(old.id, old.token)
    expect(await old.due.claim()).toEqual({ kind: 'lost' })
    expect(await anew.claim()).toMatchObject({ kind: 'granted', attempt: 1 })
    await anew.settle(1, delivered(), fired)
  })

  test('a late outcome took a redriven timer out of the hands of the very worker that told it', async () => {
    const first = await states.givenUp()
    await store.redrive(first.id)
    const worker = await rig.take()
    await rig.client.set(rig.keys().key(`t${first.id}:lock`), first.token, 'PX', 60_000)
    const anew = await rig.due(worker.id, first.token)
    expect(await anew.claim()).toMatchObject({ kind: 'granted', attempt: 2 })
    expect(await first.due.settle(1, delivered(), fired)).toEqual({ status: undefined, decided: false })
    expect(await rig.places(first.id)).toEqual(['active'])
    expect((await store.find(first.id))?.status).toBe('firing')
    await anew.settle(2, delivered(), fired)
  })

  test('of content, while a worker was given up for lost: what that worker tells decides nothing, and the new is sent', async () => {
    const first = await states.givenUp(retryIn(-1), { mode: 'at_least_once', ...EXTRAS })
    await store.change(first.id, NEW)
    expect(await first.due.settle(1, delivered(), fired)).toEqual({ status: undefined, decided: false })
    const next = await rig.take()
    expect(next.due.timer).toMatchObject(NEW)
    expect(await next.due.claim()).toMatchObject({ kind: 'granted', attempt: 2 })
    await next.due.settle(2, delivered(), fired)
    expect((await store.find(first.id))?.log).toMatchObject([
      { outcome: 'delivered' },
      { outcome: 'delivered' },
    ])
  })

  test('a retry that was planned while another worker held the timer lay in no index of retries', async () => {
    const first = await states.claimed({ mode: 'at_least_once' })
    await rig.stall(first)
    const second = await rig.take()
    const at = Date.now() + HOUR
    await first.due.settle(1, neverSent, { kind: 'retry', at })
    expect(await second.due.claim()).toEqual({ kind: 'early', at })
    await second.due.defer(at)
    expect(await rig.client.zcard(rig.keys().key('retries'))).toBe(1)
  })

  test('a timer that was told to be fired while it waited for a retry stayed among those that wait for one', async () => {
    const first = await states.givenUp(retryIn(-1), { mode: 'at_least_once' })
    const third = await rig.take()
    await first.due.settle(1, delivered(), fired)
    expect(await third.due.claim()).toEqual({ kind: 'finished', status: 'fired' })
    await third.due.rest()
    expect(await rig.client.zcard(rig.keys().key('retries'))).toBe(0)
  })

  test('a fire whose reply was cut off, and that we sent again ourselves, was told as one that the client had sent before', async () => {
    const { id } = await store.create(draft(HOUR))
    const subject = { owner: '', id }
    const now = { t: String(Date.now()) }
    expect(await rig.clients.change(subject, '=key/1', now)).toMatchObject({ kind: 'done' })
    expect(await rig.clients.change(subject, '=key/1', now)).toMatchObject({ kind: 'done' })
    expect(await rig.clients.change(subject, '=key/2', now)).toMatchObject({ kind: 'again' })
    expect(await rig.clients.change(subject, '=other/3', now)).toMatchObject({ kind: 'done' })
    expect((await rig.hash(id)).vn).toBe('2')
  })

  test('to a later time and back, many times over, fires once, with the last content', async () => {
    const contents: (string | undefined)[] = []
    await rig.consumer({
      handle: async (due) => {
        const claim = await due.claim()
        if (claim.kind !== 'granted') return
        contents.push(due.timer.payload)
        await due.settle(claim.attempt, delivered(), fired)
      },
    })
    const { id } = await store.create(draft(30))
    let last = ''
    for (let turn = 0; ; turn += 1) {
      const payload = JSON.stringify({ turn })
      const due = { delayMs: turn % 3 === 0 ? 1 : 20 }
      const outcome = await store.change(id, { payload, due }).catch(() => undefined)
      if (outcome === undefined) break
      last = payload
      // Sometimes late enough for a worker to have it.
      for (let lag = 0; lag < turn % 40; lag += 1) await rig.client.ping()
    }
    await eventually(async () => expect((await store.find(id))?.status).toBe('fired'))
    expect(contents).toEqual([last])
  })
})
