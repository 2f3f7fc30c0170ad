import type { AttemptResult, DueTimer } from '@timers/core'
import { delivered, fired, unknown } from './rig.ts'

/** What the worker does with a due timer, without HTTP: `send` stands for the request. */
export const firing =
  (send: (due: DueTimer) => Promise<AttemptResult> | AttemptResult = () => delivered()) =>
  async (due: DueTimer): Promise<void> => {
    const claim = await due.claim()
    switch (claim.kind) {
      case 'granted': {
        if (claim.mayLeave()) return void (await due.settle(claim.attempt, await send(due), fired))
        const at = Date.now()
        await due.settle(claim.attempt, { outcome: 'never_sent', sentAt: at }, { kind: 'retry', at })
        return
      }
      case 'taken':
        await due.settle(claim.attempt, { outcome: 'interrupted', sentAt: claim.claimedAt }, unknown)
        return
      case 'finished':
        return due.rest()
      case 'early':
        return due.defer(claim.at)
    }
  }
