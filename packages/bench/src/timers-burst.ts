import type { Installation, Service } from '@timers/lab'
import { type BurstResult, burstDueAt, burstResult, watchProcessors } from './burst.ts'
import type { Receiver } from './receiver.ts'
import type { TimerSeeder } from './timer-seeder.ts'

export interface TimersBurst {
  readonly installation: Installation
  readonly seeder: TimerSeeder
  readonly receiver: Receiver
  /** Whose processor time is watched; all workers of the installation take part. */
  readonly worker: Service
}

/** What a burst went like, and the arrivals of it: lateness in milliseconds, ascending. */
export interface TimersBurstResult extends BurstResult {
  readonly count: number
}

/** Creates so many timers that fall due at once, and waits until all have arrived. */
export async function fireBurst(on: TimersBurst, count: number): Promise<TimersBurstResult> {
  const { installation, seeder, receiver, worker } = on
  const dueAt = burstDueAt(count)
  await receiver.reset()
  const dueById = await seeder.seed(count, receiver.url, dueAt)
  const perFire = await watchProcessors({ worker: worker.pid, redis: installation.redis.pid ?? 0 }, dueAt)
  await receiver.until(count)
  const processorUs = perFire(count)
  return { ...burstResult(await receiver.arrivals(), dueById, processorUs), count }
}
