import { type DurationParts, durationMs } from './duration.ts'
import type { TimerStore } from './ports.ts'
import { parseTargetUrl } from './target-url.ts'
import type { Timer } from './timer.ts'

export interface ScheduleTimerRequest extends DurationParts {
  readonly url: string
}

export interface ScheduleTimerDeps {
  readonly store: TimerStore
  /** Longest duration that is accepted, in seconds. */
  readonly maxTimerSeconds: number
}

/**
 * Creates a timer. When this resolves the timer is on disk and will fire.
 *
 * @throws TimerError `INVALID_DURATION`, `INVALID_URL`, or what `TimerStore.schedule` throws
 */
export async function scheduleTimer(request: ScheduleTimerRequest, deps: ScheduleTimerDeps): Promise<Timer> {
  const delayMs = durationMs(request, deps.maxTimerSeconds)
  const url = parseTargetUrl(request.url)
  return deps.store.schedule({ url, delayMs })
}
