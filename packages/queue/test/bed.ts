import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { Rig } from './rig.ts'
import { expectFlawless, States } from './states.ts'

/** Of the test that runs. */
export let rig: Rig
export let store: RedisTimerStore
export let states: States

/** To be called in a `describe`: a Redis for all of its tests, a new store for each, and a look at all that each leaves. */
export function useBed(): void {
  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  beforeEach(async () => {
    store = await rig.store()
    states = new States(rig, store)
  })
  afterEach(async () => {
    await expectFlawless(rig).finally(() => rig.reset())
  })
}
