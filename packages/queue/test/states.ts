import { type AttemptResult, type Decision, type TimerDraft, TimerError } from '@timers/core'
import { eventually } from '@timers/lab'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { flawsOf } from './invariants.ts'
import { delivered, draft, fired, type Hand, type Rig, unknown } from './rig.ts'

const HOUR = 3_600_000
export const interrupted: AttemptResult = { outcome: 'interrupted', sentAt: 1, reason: 'lost' }
export const neverSent: AttemptResult = { outcome: 'never_sent', sentAt: 2, reason: 'connection refused' }
export const rejected: AttemptResult = { outcome: 'rejected', sentAt: 3, responseStatus: 404 }
export const failed = { kind: 'final', status: 'failed' } as const
export const retryIn = (ms: number): Decision => ({ kind: 'retry', at: Date.now() + ms })

/** A timer somewhere, and the worker that has it, or had it. */
export interface Placed {
  readonly id: number
  readonly hand: Hand | undefined
}

/** Brings new timers to any point of their lives. */
export class States {
  readonly #rig: Rig
  readonly #store: RedisTimerStore

  constructor(rig: Rig, store: RedisTimerStore) {
    this.#rig = rig
    this.#store = store
  }

  async due(more: Partial<TimerDraft> = {}): Promise<Hand> {
    const { id } = await this.#store.create({ ...draft(1), ...more } as TimerDraft)
    const hand = await this.#rig.take()
    expect(hand.id).toBe(id)
    return hand
  }

  async claimed(more?: Partial<TimerDraft>): Promise<Hand> {
    const hand = await this.due(more)
    expect(await hand.due.claim()).toMatchObject({ kind: 'granted' })
    return hand
  }

  /** One worker has claimed and is given up for lost; another has declared the attempt interrupted. */
  async givenUp(decision: Decision = unknown, more?: Partial<TimerDraft>): Promise<Hand> {
    const first = await this.claimed(more)
    await this.#rig.stall(first)
    const second = await this.#rig.take()
    expect(await second.due.claim()).toMatchObject({ kind: 'taken', attempt: 1 })
    await second.due.settle(1, interrupted, decision)
    return first
  }

  /** One that nobody has claimed, wherever it is. */
  async unclaimed(where: Unclaimed, more: Partial<TimerDraft> = {}): Promise<Placed> {
    return UNCLAIMED[where](this, this.#rig, this.#store, more)
  }

  async ended(
    as: 'fired' | 'failed' | 'unknown' | 'cancelled' | 'expired',
    more?: Partial<TimerDraft>,
  ): Promise<number> {
    if (as === 'unknown') return (await this.givenUp(unknown, more)).id
    if (as === 'cancelled') {
      const { id } = await this.#store.create({ ...draft(HOUR), ...more } as TimerDraft)
      await this.#store.cancel(id)
      return id
    }
    if (as === 'expired') {
      const hand = await this.due({ ...more, expiresIn: 1 })
      await this.#rig.commands.claim(
        { id: hand.id, token: hand.token, taking: '1' },
        'late',
        Date.now() + HOUR,
      )
      return hand.id
    }
    const hand = await this.claimed(more)
    if (as === 'fired') await hand.due.settle(1, delivered(), fired)
    else await hand.due.settle(1, rejected, failed)
    return hand.id
  }
}

type Maker = (states: States, rig: Rig, store: RedisTimerStore, more: Partial<TimerDraft>) => Promise<Placed>

const UNCLAIMED = {
  'waits for its time': async (_states, _rig, store, more) => {
    const { id } = await store.create({ ...draft(HOUR), ...more } as TimerDraft)
    return { id, hand: undefined }
  },
  'is promoted': async (_states, rig, store, more) => {
    // The oldest is taken, in the step that promotes both.
    const other = await store.create({ url: 'https://receiver.example/other', dueAt: Date.now() })
    const { id } = await store.create({ ...draft(1), ...more } as TimerDraft)
    await rig.client.zadd(rig.keys().key('delayed'), (Date.now() - 500) * 0x1000, `t${other.id}`)
    await eventually(async () => expect((await store.find(id))?.dueAt).toBeLessThan(Date.now()))
    expect((await rig.take()).id).toBe(other.id)
    expect(await rig.places(id)).toEqual(['wait'])
    return { id, hand: undefined }
  },
  'is in the hands of a worker': async (states, _rig, _store, more) => {
    const hand = await states.due(more)
    return { id: hand.id, hand }
  },
  'is in the hands of a worker that stands still': async (states, rig, _store, more) => {
    const hand = await states.due(more)
    await rig.client.del(rig.keys().key(`t${hand.id}:lock`))
    return { id: hand.id, hand }
  },
  'was taken from a worker that stands still': async (states, rig, _store, more) => {
    const hand = await states.due(more)
    await rig.stall(hand)
    return { id: hand.id, hand }
  },
  'is held back by the gate': async (states, rig, _store, more) => {
    const hand = await states.due(more)
    await hand.due.defer(Date.now() + HOUR, 'receiver_down')
    expect(await rig.places(hand.id)).toEqual(['delayed'])
    return { id: hand.id, hand }
  },
  'waits for a retry': async (states, _rig, _store, more) => {
    const hand = await states.claimed(more)
    await hand.due.settle(1, neverSent, retryIn(HOUR))
    return { id: hand.id, hand: undefined }
  },
  'waits for a retry after its worker was lost': async (states, _rig, _store, more) => {
    const { id } = await states.givenUp(retryIn(HOUR), more)
    return { id, hand: undefined }
  },
  'was redriven': async (states, _rig, store, more) => {
    const id = await states.ended('failed', more)
    await store.redrive(id, { at: Date.now() + HOUR })
    return { id, hand: undefined }
  },
} satisfies Record<string, Maker>

export type Unclaimed = keyof typeof UNCLAIMED
export const ALL_UNCLAIMED = Object.keys(UNCLAIMED) as Unclaimed[]
export const ALL_ENDED = ['fired', 'failed', 'unknown', 'cancelled', 'expired'] as const

/** The code of the error with which a command is refused, and what it says beside. */
export async function refusal(command: Promise<unknown>): Promise<object> {
  const error = await command.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof TimerError)) throw new Error(`not refused: ${error}`)
  return { code: error.code, ...error.details }
}

/** To be called after each test: every timer is where it belongs. */
export async function expectFlawless(rig: Rig): Promise<void> {
  expect(await flawsOf(rig.client, rig.keys())).toEqual([])
}
