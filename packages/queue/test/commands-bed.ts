import type { AttemptResult, Decision } from '@timers/core'
import { rig, store } from './bed.ts'
import { draft, type Hand, unknown } from './rig.ts'

export const interrupted: AttemptResult = { outcome: 'interrupted', sentAt: 1, reason: 'lost' }
export const neverSent: AttemptResult = { outcome: 'never_sent', sentAt: 2, reason: 'connection refused' }
export const retryIn = (ms: number): Decision => ({ kind: 'retry', at: Date.now() + ms })

/** A due timer in the hands of a worker. */
export async function due(): Promise<Hand> {
  await store.create(draft(1))
  return rig.take()
}

export const lock = (id: number) => rig.keys().key(`t${id}:lock`)

/** One worker has claimed and is given up for lost; another has declared the attempt interrupted. */
export async function givenUp(decision: Decision = unknown) {
  const first = await due()
  expect(await first.due.claim()).toMatchObject({ kind: 'granted', attempt: 1 })
  await rig.stall(first)
  const second = await rig.take()
  expect(await second.due.claim()).toMatchObject({ kind: 'taken', attempt: 1 })
  await second.due.settle(1, interrupted, decision)
  return { first, second, id: first.id }
}
