import {
  type Callback,
  type Created,
  type DueTimer,
  type NewTimerRequest,
  type TimerDraft,
  TimerError,
  type TimerErrorCode,
  type TimerFilter,
  type TimerPosition,
} from '@timers/core'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { delivered, fired, unknown } from './rig.ts'
import { failed, interrupted, rejected } from './states.ts'

const RECEIVER = 'https://receiver.example/hook'
const HOUR = 3_600_000
/** Timers of one batch, and batches under way at a time: as clients that are in a hurry create them. */
const A_BATCH = 250
const BATCHES = 4

/** Of all timers that end like this, somebody is told besides. */
export const EVENTS: Callback = { url: `${RECEIVER}/events`, on: ['unknown', 'cancelled'] }

/** Every kind of timer that there is, by its number. */
function draftOf(index: number): TimerDraft {
  const kind = index % 10
  return {
    url: RECEIVER,
    payload: JSON.stringify({ kind }),
    ...(kind === 6 || kind === 9 ? { delayMs: HOUR } : { delayMs: 1 }),
    ...(index % 2 === 0 && { key: `key-${index}` }),
    ...(index % 3 === 0 && { labels: ['eu', `batch-${index % 7}`] }),
    ...(index % 5 < 2 && {
      callback: { url: `${RECEIVER}/told`, on: ['fired', 'failed', 'unknown', 'cancelled', 'expired'] },
    }),
    ...(kind === 7 && { expiresIn: 1, dueAt: Date.now() - 30_000 }),
    ...(index % 4 === 0 && { owner: 'acme' }),
  } as TimerDraft
}

function requestOf(index: number): NewTimerRequest {
  return {
    draft: draftOf(index),
    ...(index % 3 === 1 && { idempotency: { key: `request-${index}`, fingerprint: 'print' } }),
  }
}

/** Creates so many timers, and cancels or changes a part of them before they are due. */
export async function createKinds(store: RedisTimerStore, count: number): Promise<void> {
  const firsts = Array.from({ length: Math.ceil(count / A_BATCH) }, (_, batch) => batch * A_BATCH).values()
  const clients = Array.from({ length: BATCHES }, async () => {
    for (const from of firsts) {
      const size = Math.min(A_BATCH, count - from)
      const indexes = Array.from({ length: size }, (_, at) => from + at)
      await createBatch(store, indexes)
    }
  })
  await Promise.all(clients)
  // What was created and not told so in time, on a machine that stood still for two seconds.
  const later = { statuses: ['pending'], dueFrom: Date.now() + HOUR / 2 } as const
  for await (const timers of pagesOf(store, later)) await store.cancelAll(timers, 10_000)
}

/** Sends again what was not done in time, as the 503 of a batch tells clients to. */
async function createBatch(store: RedisTimerStore, indexes: readonly number[]): Promise<void> {
  const answers = await store.createAll(indexes.map(requestOf))
  const again: number[] = []
  const changes: Promise<void>[] = []
  for (const [at, index] of indexes.entries()) {
    const answer = answers[at] as Created | Error
    if (!(answer instanceof Error)) changes.push(changeOnItsWay(store, answer, index))
    else if (isCode(answer, 'STORE_UNAVAILABLE')) again.push(index)
    else if (!isCode(answer, 'KEY_TAKEN')) throw answer
  }
  await Promise.all(changes)
  if (again.length > 0) await createBatch(store, again)
}

const isCode = (error: Error, code: TimerErrorCode) => error instanceof TimerError && error.code === code

async function changeOnItsWay(store: RedisTimerStore, timer: Created, index: number): Promise<void> {
  const ref = { id: timer.id, owner: timer.owner }
  if (index % 10 === 6) await store.cancel(ref)
  else if (index % 20 === 9) await store.change(ref, { due: { delayMs: 1 }, labels: ['us'], callback: null })
  else if (index % 20 === 19) await store.fire(ref, `now-${index}`)
  else if (index % 100 === 51) {
    const again = { url: RECEIVER, delayMs: 1, labels: ['put'], payload: '{"kind":0}' }
    await store.upsert(`put-${index}`, again, 'replace')
    await store.upsert(`put-${index}`, { ...again, labels: ['put', 'twice'] }, 'replace')
  }
}

/** A worker's part: each kind has its own end. */
export function handleKinds(): (due: DueTimer) => Promise<void> {
  const heldBack = new Set<number>()
  return async (due) => {
    const { id, callbackOf, payload } = due.timer
    const isCallback = callbackOf !== undefined
    const kind = isCallback ? callbackOf % 5 : JSON.parse(payload ?? '{}').kind
    if (kind === 8 && !heldBack.has(id)) {
      heldBack.add(id)
      return due.defer(Date.now(), 'receiver_limit')
    }
    const claim = await due.claim()
    if (claim.kind === 'finished') return due.rest()
    if (claim.kind !== 'granted') return
    const { attempt } = claim
    const settle = (...[result, decision]: [Settling[1], Settling[2]]) =>
      due.settle(attempt, result, decision)
    if (isCallback) {
      await (kind === 0 ? settle(rejected, failed) : settle(delivered(), fired))
    } else if (kind === 1 && attempt === 1) await settle(rejected, failed)
    else if (kind === 2) await settle(interrupted, unknown)
    else if (kind === 3 && attempt === 1) await settle(rejected, { kind: 'retry', at: Date.now() })
    else await settle(delivered(), fired)
  }
}

type Settling = Parameters<DueTimer['settle']>

/** Second thoughts about what did not go well: half of what failed is sent again, and some of what nobody knows is settled. */
export async function lookAfter(store: RedisTimerStore): Promise<void> {
  for await (const timers of pagesOf(store, { statuses: ['failed'] })) {
    const redrives = timers
      .filter(({ id }) => id % 2 === 0)
      .map(({ id, owner }) => ({ ref: { id, owner }, at: undefined }))
    await store.redriveAll(redrives, 'a walk', 10_000)
  }
  for await (const timers of pagesOf(store, { statuses: ['unknown'] })) {
    const known = timers.filter(({ id }) => id % 10 === 0)
    await Promise.all(known.map(({ id, owner }) => store.resolve({ id, owner }, 'fired', 'seen in its log')))
  }
}

async function* pagesOf(store: RedisTimerStore, filter: TimerFilter) {
  let after: TimerPosition | undefined
  do {
    const page = await store.list({ filter, order: 'asc', limit: 1_000, after })
    yield page.timers
    after = page.next
  } while (after !== undefined)
}
