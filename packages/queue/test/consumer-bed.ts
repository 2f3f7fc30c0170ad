import { eventually } from '@timers/lab'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { draft, Rig } from './rig.ts'

/** Of the test that runs. */
export let rig: Rig
export let store: RedisTimerStore

/** To be called in a `describe`: a Redis for all of its tests, a new store for each. */
export function useConsumerBed(): void {
  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  beforeEach(async () => {
    store = await rig.store()
  })
  afterEach(() => rig.reset())
}

/** Begins the test again, with an empty Redis of so many shards. */
export async function reshard(shards: number): Promise<void> {
  await rig.reset()
  store = await rig.store({ shards })
}

/** A gate: those who wait at it go on when it opens. */
export function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = () => {}
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open: () => open() }
}

/** What the design promises for the timers of a lost worker, and some for a slow machine. */
export const RECOVERY = { timeoutMs: 20_000 }

export const schedule = (count: number, delayMs = 1) =>
  Promise.all(Array.from({ length: count }, () => store.create(draft(delayMs))))
export const statuses = async (timers: readonly { id: number }[]) =>
  Promise.all(timers.map(async ({ id }) => (await store.find(id))?.status))
export const allFired = (timers: readonly { id: number }[], options = {}) =>
  eventually(async () => expect(new Set(await statuses(timers))).toEqual(new Set(['fired'])), options)
