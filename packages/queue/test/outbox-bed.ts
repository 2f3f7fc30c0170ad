import type { AttemptResult, FinalStatus, TimerDraft } from '@timers/core'
import { timerIdOf } from '../src/shards/shard-keys.ts'
import { rig, store } from './bed.ts'
import { draft, type Hand } from './rig.ts'

export const ALL: readonly FinalStatus[] = ['fired', 'failed', 'unknown', 'expired', 'cancelled']
export const TOLD = 'https://told.example/hook?x=1'
export const failed = { kind: 'final', status: 'failed' } as const
export const interrupted: AttemptResult = { outcome: 'interrupted', sentAt: 1 }
export const rejected: AttemptResult = { outcome: 'rejected', sentAt: 2, responseStatus: 404 }

export const watched = (more: Partial<TimerDraft> = {}, delayMs = 1): TimerDraft =>
  ({ ...draft(delayMs), callback: { url: TOLD, on: ALL }, ...more }) as TimerDraft

export const outbox = async (shard = 0) =>
  (await rig.client.zrange(rig.keys(shard).key('outbox'), 0, '-1')).map(timerIdOf)

/** A due timer that somebody watches, claimed. */
export async function claimed(more: Partial<TimerDraft> = {}): Promise<Hand> {
  await store.create(watched(more))
  const hand = await rig.take()
  expect(await hand.due.claim()).toMatchObject({ kind: 'granted' })
  return hand
}
