import type { AttemptResult, Decision } from '@timers/core'
import { Worker } from 'bullmq'
import { jobIdOf, timerIdOf } from '../src/shards/shard-keys.ts'
import { define, loadScript } from '../src/timers/scripts.ts'
import { type Expected, isFinal, type Played } from './life-model.ts'
import { dueAtOf, recent, type Step, type World } from './life-world.ts'
import { delivered } from './rig.ts'

const HOUR = 3_600_000
const interrupted: AttemptResult = { outcome: 'interrupted', sentAt: 1, reason: 'lost' }

/** Workers that do what they are told, to Redis and to the model, and compare what comes of it. */
export class Workers {
  readonly #world: World
  readonly #worker: Worker
  readonly #hands: Played[] = []

  constructor(world: World) {
    this.#world = world
    const { rig } = world
    this.#worker = new Worker(rig.keys().queueName, undefined, {
      connection: rig.client,
      prefix: rig.prefix,
      autorun: false,
      lockDuration: 60_000,
      skipVersionCheck: true,
    })
    this.#worker.on('error', () => {})
    define(rig.client, 'testSweep', 1, loadScript('sweep', 'places'))
  }

  close(): Promise<void> {
    return this.#worker.close(true)
  }

  async withHand(
    of: number,
    act: (hand: Played, timer: Expected) => Promise<void>,
    isOne: (hand: Played) => boolean = () => true,
  ): Promise<void> {
    const hand = recent(this.#hands.filter(isOne), of)
    const timer = hand && this.#world.life.timers.get(hand.id)
    if (hand !== undefined && timer !== undefined) await act.call(this, hand, timer)
  }

  /** A worker is lost after its claim, and another finds what it left. */
  async giveUp(of: number): Promise<void> {
    const lost = recent(
      this.#hands.filter(
        ({ id, granted }) => granted !== undefined && this.#world.life.timers.get(id)?.status === 'firing',
      ),
      of,
    )
    if (lost === undefined) return
    await this.lose(this.#world.life.timers.get(lost.id))
    await this.lookForLost()
    await this.take('finder')
    await this.claim(
      this.#hands.at(-1) as Played,
      this.#world.life.timers.get((this.#hands.at(-1) as Played).id) as Expected,
    )
  }

  async take(token: string): Promise<void> {
    const job = await this.#worker.getNextJob(token, { block: false })
    if (job === undefined) return
    const id = timerIdOf(String(job.id))
    const due = await this.#world.rig.due(id, token)
    const hand: Played = { id, token, due, granted: undefined, found: undefined, told: false }
    this.#hands.push(hand)
    const timer = this.#world.life.timers.get(id) as Expected
    // Whoever takes it has read what is to be sent, and may take it.
    if (!timer.callback) expect(due.timer.payload).toBe(timer.payload)
    timer.holder = hand
  }

  async claim(hand: Played, timer: Expected): Promise<void> {
    if (hand.told || hand.due.timer.dueAt > Date.now()) return
    const expected = this.#world.life.claims(timer, hand, Date.now())
    const claim = await hand.due.claim()
    const { kind } = claim
    expect(['granted', 'taken', 'expired', 'early'].includes(kind) ? kind : 'nothing').toBe(expected)
    if (claim.kind === 'granted') {
      // No request leaves after a change's answer but the new one.
      if (timer.status === 'pending' && !timer.callback) expect(hand.due.timer.payload).toBe(timer.payload)
      expect(hand.granted ?? claim.attempt).toBe(claim.attempt)
      hand.granted = claim.attempt
      this.#world.life.grant(timer, hand)
    } else if (claim.kind === 'taken') hand.found = claim.attempt
    else if (claim.kind === 'expired') this.#world.life.expire(timer)
  }

  async rest(hand: Played, timer: Expected): Promise<void> {
    // A worker does this only where it was told that the timer has come to its end.
    if (!isFinal(timer.status)) return
    await hand.due.rest()
    if (timer.holder === hand) timer.holder = undefined
  }

  async defer(
    hand: Played,
    timer: Expected,
    { held, late }: { readonly held: boolean; readonly late: boolean },
  ): Promise<void> {
    // A worker does not give back what it has claimed, or found claimed.
    if (hand.granted !== undefined || hand.found !== undefined || timer.status === 'firing') return
    if (held) {
      const until = late ? Date.now() + HOUR : Date.now() - 1
      await hand.due.defer(until, 'receiver_limit')
      // The gate may call it back at any time, whatever has become of it.
      const { rig, sent } = this.#world
      sent.push(async () => {
        await rig.commands.recall(hand.id, 'receiver_limit', until, Date.now() - 1)
      })
    } else await hand.due.defer(timer.nextAt ?? hand.due.timer.dueAt)
    if (timer.holder === hand) timer.holder = undefined
  }

  async settle(
    hand: Played,
    timer: Expected,
    { outcome, late }: Extract<Step, { do: 'settle' }>,
  ): Promise<void> {
    const retry: Decision = { kind: 'retry', at: dueAtOf(late) }
    const attempt = hand.granted ?? hand.found
    if (attempt === undefined) return
    const [result, decision] = ((): [AttemptResult, Decision] => {
      const unknown: Decision = { kind: 'final', status: 'unknown' }
      if (hand.granted === undefined) return [interrupted, timer.mode === 'at_least_once' ? retry : unknown]
      switch (outcome) {
        case 'delivered':
          return [delivered(), { kind: 'final', status: 'fired' }]
        case 'rejected':
          return [
            { outcome: 'rejected', sentAt: 1, responseStatus: 404 },
            { kind: 'final', status: 'failed' },
          ]
        case 'never sent':
          return [{ outcome: 'never_sent', sentAt: 1, reason: 'refused' }, retry]
        case 'ambiguous':
          return [{ outcome: 'ambiguous', sentAt: 1, reason: 'cut' }, unknown]
      }
    })()
    const before = this.#world.life.announced
    const settled = await hand.due.settle(attempt, result, decision)
    hand.told = true
    this.#world.life.settle(timer, hand, attempt, result, decision)
    if (!timer.gone) expect(settled?.status).toBe(isFinal(timer.status) ? timer.status : undefined)
    this.#world.sent.push(async () => {
      const again = await hand.due.settle(attempt, result, decision)
      if (again !== undefined) expect(again.decided).toBe(false)
    })
    expect(this.#world.life.announced - before).toBeLessThan(2)
  }

  /** The lock runs out. */
  async lose(timer: Expected | undefined): Promise<void> {
    if (timer?.holder === undefined) return
    timer.holder = undefined
    await this.#world.rig.client.del(this.#world.rig.keys().key(`${jobIdOf(timer.id)}:lock`))
  }

  /** BullMQ's look for jobs without a lock. */
  async lookForLost(): Promise<void> {
    const { key } = this.#world.rig.keys()
    for (const jobId of await this.#world.rig.client.lrange(key('active'), 0, -1)) {
      if ((await this.#world.rig.client.exists(key(`${jobId}:lock`))) === 0)
        await this.#world.rig.stall({ id: timerIdOf(jobId) })
    }
  }

  async sweep(): Promise<void> {
    const timers = [...this.#world.life.timers.values()]
    const gone = await Promise.all(
      timers.map(async (timer) => !timer.gone && (await this.#world.rests(timer))),
    )
    const sweep = this.#world.rig.client as unknown as {
      testSweep(...args: (string | number)[]): Promise<unknown>
    }
    await sweep.testSweep(this.#world.rig.keys().key('finished'), Date.now() + HOUR, 1_000, 'finished')
    for (const [at, timer] of timers.entries()) if (gone[at]) timer.gone = true
  }
}
