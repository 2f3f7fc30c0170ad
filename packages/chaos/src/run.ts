import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Evidence,
  eventually,
  FINAL_STATUSES,
  type ListFilter,
  onTheirWay,
  stillToTell,
} from '@timers/lab'
import type { Broken, FaultRun, Span } from './broken.ts'
import { ChaosClients } from './chaos-clients.ts'
import { Explanations } from './explanation.ts'
import type { PlannedFault } from './fault-plan.ts'
import { indexOf, type PlannedCreate } from './load-plan.ts'
import type { Options } from './options.ts'
import type { Plan } from './plan.ts'
import type { Progress } from './progress.ts'
import { Receivers } from './receivers.ts'
import { unservedBy } from './serving.ts'
import { OPERATOR_ON, Stage, WEBHOOK_TIMEOUT_MS } from './stage.ts'
import { Standstills } from './standstills.ts'

/** What a run leaves behind. */
export interface RunResult {
  readonly startedAt: number
  readonly endedAt: number
  readonly evidence: Evidence
  readonly broken: Broken
  readonly creates: readonly PlannedCreate[]
  /** Questions that the silent name server was asked. */
  readonly namesUnanswered: number
  /** Processes that ended without being asked to, or did not when they were. */
  readonly crashes: readonly string[]
  /** How many stops in order there were, and how many did not end with code 0. */
  readonly stops: { readonly count: number; readonly notZero: number }
}

export interface RunSettings {
  readonly plan: Plan
  readonly options: Options
  /** How long after the last due time planned retries are waited for. */
  readonly settleMs: number
  readonly progress: Progress
  /** Where the processes' own logs go, in the end. */
  readonly saveLogs: (stage: Stage) => Promise<void>
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const INTERRUPTED = 130
const UP_WITHIN = { timeoutMs: 30_000, intervalMs: 100 }
const LONGEST_TIMER_MS = 20_000
/** Longest that the last timers may take after the time up to which they were planned. */
const REST_PATIENCE_MS = 75_000
const LOOK_EVERY_MS = 250
/** A list by label looks at many timers for each that it shows. */
const LISTED_LABELS = 4
/** Where nothing is broken, on a machine that has much else to do. */
const PROMPT_MS = 5_000

/** Plays a plan: processes up, load and faults, everything healed, rest. */
export async function play({ plan, options, settleMs, progress, saveLogs }: RunSettings): Promise<RunResult> {
  const receivers = await Receivers.start(plan.creates)
  const standstills = new Standstills()
  let stage: Stage | undefined
  const interrupted = async (): Promise<void> => {
    progress.end()
    await stage?.close()
    process.exit(INTERRUPTED)
  }
  for (const signal of SIGNALS) process.once(signal, interrupted)
  try {
    stage = await Stage.open(options, receivers.eventsUrl)
    const running = stage
    const clients = new ChaosClients(() => running.nextApi(), receivers)
    await untilUp(running)
    progress.watch({ clients, receivers })
    const startedAt = Date.now()
    clients.quitAt = startedAt + plan.loadMs
    const faults: FaultRun[] = []
    const breaking = at(plan.faults, async (fault) => {
      const played = await playFault(fault, running, progress)
      if (played !== undefined) faults.push(played)
    })
    const closing = at(plan.closings, (closed) => receivers.close(closed))
    const { creates, alone } = plan
    const creating = [
      at(creates.slice(0, alone), (create) => clients.create(create)),
      at(plan.keys, (key) => clients.playKey(key, creates[key.index] as PlannedCreate)),
      at(plan.batches, (batch) => clients.playBatch(batch, creates)),
      at(plan.sweeps, (sweep) => clients.playSweep(sweep)),
    ]
    const redriving = at(plan.redrives, (redrive) =>
      clients.redriveOne(
        redrive,
        (key) => receivers.isDone(key),
        () => running.cutRepliesFor(redrive.cutMs),
      ),
    )
    await Promise.all([breaking, closing])
    await running.redis.heal()
    const repairedAt = Date.now()
    progress.say('everything is healed')
    await Promise.all([...creating, redriving])
    const restAt = Date.now() + LONGEST_TIMER_MS + settleMs
    progress.say(`no more timers are created; waiting for rest, at most until ${clock(restAt)}`)
    const left = await untilAtRest(running, receivers, restAt, (now) => progress.left(now))
    // So that nothing more is sent, while what is planned for later stays pending.
    await running.stopWorkers()
    progress.say('reading every timer')
    const sightings = receivers.sightings()
    const lists = await Promise.all(listsOf(plan).map((filter) => clients.list(filter)))
    const ids = new Set([
      ...clients.acknowledged.map(({ acknowledged }) => acknowledged?.id ?? 0),
      ...sightings.map(({ id }) => id),
      ...lists.flatMap((list) => list.ids),
    ])
    const views = await clients.read(ids)
    const stops = running.services.flatMap((service) => service.stops)
    const broken = {
      faults,
      closings: receivers.closings,
      standstills: standstills.spans,
      unserved: running.redis.unserved,
    }
    // A machine that stands still is not whole either.
    const healedAt = Math.max(repairedAt, running.cutUntil, ...standstills.spans.map(({ to }) => to))
    const reasons = new Explanations({
      ...broken,
      creates,
      webhookTimeoutMs: WEBHOOK_TIMEOUT_MS,
      shardOf: (id) => running.redis.shardOf(id),
    })
    return {
      startedAt,
      endedAt: Date.now(),
      evidence: {
        creations: clients.creations,
        redrives: clients.redrives,
        tellings: clients.tellings,
        misses: clients.misses,
        changes: clients.changes,
        sweeps: clients.sweeps,
        sightings,
        callbacks: receivers.callbacks(),
        operatorOn: OPERATOR_ON,
        stillToTell: await stillToTell(running.redis, running.redis.shards),
        views,
        lists,
        counts: await clients.counts(),
        explain: (attempt, creation) => reasons.of(attempt, creation),
        mayForget: (id, attempt) => reasons.mayForget(id, attempt),
        promptWithinMs: ({ key }) => (isPrompt(creates[indexOf(key)]) ? PROMPT_MS : undefined),
        unservedMs: unservedBy(running.redis, faults, crowdsOf(plan, startedAt)),
        healedAt,
        restAt,
      },
      broken,
      creates,
      namesUnanswered: running.names.unanswered,
      crashes: [...running.crashes, ...(left === 0 ? [] : [`${left} timers or requests never came to rest`])],
      stops: { count: stops.length, notZero: stops.filter(({ code }) => code !== 0).length },
    }
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupted)
    progress.end()
    standstills.stop()
    if (stage !== undefined) {
      await Promise.all(stage.services.map((service) => service.close()))
      await saveLogs(stage)
      await stage.close()
    }
    await receivers.stop()
  }
}

/** @returns nothing where it was left out */
async function playFault(
  fault: PlannedFault,
  stage: Stage,
  progress: Progress,
): Promise<FaultRun | undefined> {
  const { kind, slots } = fault
  const from = Date.now()
  progress.begin(fault)
  const { isLeftOut = false, ...outcome } = await stage.play(fault)
  progress.finish(fault, isLeftOut)
  return isLeftOut ? undefined : { kind, slots, from, to: Date.now(), ...outcome }
}

/** Begins each item at its time; resolves when all have ended, and rejects as soon as one has failed. */
function at<T extends { readonly atMs: number }>(
  items: readonly T[],
  begin: (item: T) => Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now()
    const beginAll = async (): Promise<void> => {
      const begun: Promise<void>[] = []
      for (const item of items) {
        const waitMs = startedAt + item.atMs - performance.now()
        if (waitMs > 0) await sleep(waitMs)
        const one = begin(item)
        one.catch(reject)
        begun.push(one)
      }
      await Promise.all(begun)
    }
    beginAll().then(resolve, reject)
  })
}

/** Waits until all processes are ready. */
async function untilUp(stage: Stage): Promise<void> {
  const readiness = stage.services.map(({ name, url }) =>
    eventually(async () => {
      const response = await fetch(`${url}/readyz`)
      await response.body?.cancel()
      if (!response.ok) throw new Error(`${name} is not ready: ${stage.crashes.join('\n') || 'no crash'}`)
    }, UP_WITHIN),
  )
  await Promise.all(readiness)
}

/**
 * Waits until nothing is on its way any more but what is planned for after `restAt`, or until the patience ends.
 *
 * @returns how many timers and requests are left
 */
async function untilAtRest(
  { redis }: Stage,
  receivers: Receivers,
  restAt: number,
  told: (left: number) => void,
): Promise<number> {
  let left = Number.NaN
  for (let calm = 0; calm < 3 && Date.now() < restAt + REST_PATIENCE_MS; ) {
    left = receivers.open + (await onTheirWay(redis, redis.shards, restAt).catch(() => Number.NaN))
    told(left)
    calm = left === 0 ? calm + 1 : 0
    await sleep(LOOK_EVERY_MS)
  }
  return left
}

/** All timers, those of each status, and those of some labels. */
function listsOf({ batches, sweeps }: Plan): ListFilter[] {
  const labels = [...batches.slice(0, LISTED_LABELS), ...sweeps.slice(0, LISTED_LABELS)]
  return [
    {},
    ...FINAL_STATUSES.map((status) => ({ status })),
    { status: 'pending' },
    ...labels.map(({ label }) => ({ label })),
  ]
}

/** A receiver that is well, and known to be: one with a name of its own shares its turns with silent ones at first. */
function isPrompt(create: PlannedCreate | undefined): boolean {
  return create?.behaviour === 'fast' || create?.behaviour === 'slow'
}

/** Times in which silent receivers have all hands of the workers: whatever else is due waits, on any Redis. */
function crowdsOf({ creates }: Plan, startedAt: number): Span[] {
  const dueAt = creates.flatMap(({ isCrowd, atMs, seconds }) =>
    isCrowd ? [startedAt + atMs + seconds * 1_000] : [],
  )
  return dueAt.map((at) => ({ from: at, to: at + WEBHOOK_TIMEOUT_MS }))
}

function clock(at: number): string {
  return new Date(at).toISOString().slice(11, 19)
}
