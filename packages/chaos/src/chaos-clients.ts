import { setTimeout as sleep } from 'node:timers/promises'
import { Clients } from '@timers/lab'
import { keyFor, type PlannedCreate } from './load-plan.ts'

/** Waits before the second, third... try, in milliseconds. */
const TRY_AGAIN_AFTER_MS = [300, 1_000, 2_500]

/** Clients that try again where nothing was promised. */
export class ChaosClients extends Clients {
  /** Creates one timer, with new tries at another API where one fails. Never rejects. */
  async create(
    planned: PlannedCreate,
    urlFor: (create: PlannedCreate, key: string) => string,
  ): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      const key = keyFor(planned, tries)
      const { acknowledged } = await this.ask({ ...planned, key, url: urlFor(planned, key) })
      const waitMs = TRY_AGAIN_AFTER_MS[tries]
      if (acknowledged !== undefined || waitMs === undefined) return
      await sleep(waitMs)
    }
  }
}
