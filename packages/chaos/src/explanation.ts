import type { AttemptView, Creation } from '@timers/lab'
import type { Broken, Closing, FaultRun, Span } from './broken.ts'
import { FAULT_KINDS } from './fault-kinds.ts'
import { type Behaviour, DOORS, indexOf, type PlannedCreate } from './load-plan.ts'

/** For what is not instant: a signal, a clock that is read before a command is sent, two busy cores. */
const SLACK_MS = 2_000
/** After a fault, until everything is as before. */
const RECOVERED_MS = 8_000
/** After this without a sign of life a worker's timers are handed on. */
const LOCK_MS = 6_000

export interface Circumstances extends Broken {
  readonly creates: readonly PlannedCreate[]
  /** The shard of a timer, where its id tells. Default: there is one only. */
  readonly shardOf?: (id: number) => number | undefined
  /** Longest time for a webhook, as the workers were told. */
  readonly webhookTimeoutMs: number
}

/**
 * Why an attempt may have come to nothing, from what was broken when: words, or undefined where there is no excuse.
 */
export class Explanations {
  readonly #creates: readonly PlannedCreate[]
  readonly #closings: readonly Closing[]
  readonly #webhookTimeoutMs: number
  readonly #faults: readonly FaultRun[]
  readonly #deaths: readonly FaultRun[]
  readonly #stops: readonly FaultRun[]
  readonly #failovers: readonly FaultRun[]
  readonly #shardOf: (id: number) => number | undefined
  readonly #troubles: readonly Span[]
  readonly #standstills: readonly Span[]

  constructor({
    creates,
    faults,
    closings,
    standstills,
    webhookTimeoutMs,
    shardOf = () => 0,
  }: Circumstances) {
    this.#shardOf = shardOf
    // Without shards: whatever was done, no outcome can be lost by it.
    this.#failovers = faults.filter(({ shards = [] }) => shards.length > 0)
    this.#standstills = standstills
    this.#creates = creates
    this.#closings = closings
    this.#webhookTimeoutMs = webhookTimeoutMs
    this.#faults = faults
    this.#deaths = faults.filter(endsWork)
    this.#stops = faults.filter(({ kind }) => kind === 'worker-stop')
    this.#troubles = union(faults.filter(({ kind }) => isRedisTrouble(kind)))
  }

  of(
    attempt: AttemptView,
    creation: Pick<Creation, 'key' | 'mode' | 'expiresInMs' | 'acknowledged'>,
  ): string | undefined {
    const at = Date.parse(attempt.at)
    const planned = this.#creates[indexOf(creation.key)]
    if (planned === undefined) return undefined
    switch (attempt.outcome) {
      case 'interrupted':
        return this.#interrupted(at, creation)
      case 'ambiguous':
        return this.#ambiguous(at, planned)
      case 'never_sent':
        if (/\bclaim\b/.test(attempt.reason ?? '')) return this.#lateGrant(at)
        return this.#neverSent(at, planned)
      case 'rejected':
        return planned.behaviour === 'error' || planned.behaviour === 'broken' ? 'receiver: error' : undefined
      case 'expired':
        return this.#expired(at, planned, creation.expiresInMs ?? 0)
      default:
        return undefined
    }
  }

  /** Whether a failover may have forgotten the outcome of a timer's attempt. */
  mayForget(id: number, attempt: AttemptView): boolean {
    return this.#failoverOf(id, this.#wasInHand(Date.parse(attempt.at))) !== undefined
  }

  /** It waited for a receiver that is no good, or something was broken until after its time. */
  #expired(dueAt: number, { behaviour }: PlannedCreate, expiresInMs: number): string | undefined {
    if (behaviour !== 'fast' && behaviour !== 'slow') return `receiver: ${behaviour}`
    const until = dueAt + expiresInMs
    const fault = this.#faults.find(({ from, to }) => from <= until && to + RECOVERED_MS >= dueAt)
    return fault === undefined ? this.#still(dueAt, until) : `${fault.kind} before it was sent`
  }

  /**
   * A worker was killed or stopped between its claim and the outcome. The outcome may have had to wait for Redis, so time
   * in which Redis was in trouble does not count. Where it is only asked again later, a worker that was cut off from Redis
   * for longer than its lock is excuse enough.
   *
   * An outcome is not confirmed by replicas: a failover of the node that had the timer may forget it.
   */
  #interrupted(
    claimedAt: number,
    { mode, acknowledged }: Pick<Creation, 'mode' | 'acknowledged'>,
  ): string | undefined {
    const wasInHand = this.#wasInHand(claimedAt)
    const death = this.#deaths.find(wasInHand)
    if (death !== undefined) return `${death.kind} of ${death.slots.join(', ')}`
    const failover = this.#failoverOf(acknowledged?.id, wasInHand)
    if (failover !== undefined) return `${failover.kind}: its outcome was in flight`
    if (mode === 'at_least_once' && this.#troubleMs(claimedAt - SLACK_MS, claimedAt + 2 * LOCK_MS) > 0) {
      return 'a worker was cut off from Redis'
    }
    return undefined
  }

  /** Whether it was in hand as something happened. */
  #wasInHand(claimedAt: number): (span: Span) => boolean {
    const inHandMs = this.#webhookTimeoutMs + SLACK_MS
    return ({ from, to }) =>
      to >= claimedAt - SLACK_MS && from - claimedAt - this.#troubleMs(claimedAt, from) <= inHandMs
  }

  #failoverOf(id: number | undefined, wasInHand: (span: Span) => boolean): FaultRun | undefined {
    const shard = id === undefined ? undefined : this.#shardOf(id)
    return this.#failovers.find(
      (fault) => (shard === undefined || fault.shards?.includes(shard)) && wasInHand(fault),
    )
  }

  #ambiguous(sentAt: number, { behaviour, door }: PlannedCreate): string | undefined {
    if (behaviour === 'reset' || behaviour === 'close' || isMute(behaviour)) return `receiver: ${behaviour}`
    const until = sentAt + this.#webhookTimeoutMs + SLACK_MS
    if (behaviour === 'refuse') {
      const shut = this.#closings.find(
        (closing) =>
          closing.door === door % DOORS && closing.from >= sentAt - SLACK_MS && closing.from <= until,
      )
      if (shut !== undefined) return 'receiver: closed its connections'
    }
    return this.#stopped(sentAt, until)
  }

  #neverSent(beganAt: number, { behaviour, door }: PlannedCreate): string | undefined {
    if (behaviour === 'nameless') return 'names: no answer'
    const until = beganAt + this.#webhookTimeoutMs + SLACK_MS
    if (behaviour === 'refuse') {
      const shut = this.#closings.find(
        (closing) =>
          closing.door === door % DOORS &&
          closing.from <= beganAt + SLACK_MS &&
          closing.to >= beganAt - SLACK_MS,
      )
      if (shut !== undefined) return 'receiver: refused'
    }
    return this.#stopped(beganAt, until)
  }

  /** The grant came, or was acted on, so late that nothing was sent. */
  #lateGrant(claimedAt: number): string | undefined {
    const [from, to] = [claimedAt - 2 * LOCK_MS, claimedAt + 2 * LOCK_MS]
    if (this.#troubleMs(from, to) > 0) return 'a grant came late from Redis'
    return this.#stopped(from, to)
  }

  #stopped(from: number, until: number): string | undefined {
    const stop = this.#stops.find((run) => run.to >= from - SLACK_MS && run.from <= until)
    return stop === undefined ? this.#still(from, until) : `worker-stop of ${stop.slots.join(', ')}`
  }

  #still(from: number, until: number): string | undefined {
    const still = this.#standstills.some((span) => span.to >= from - SLACK_MS && span.from <= until)
    return still ? 'the machine stood still' : undefined
  }

  /** How much of a time Redis was in trouble for at least one process. */
  #troubleMs(from: number, to: number): number {
    return this.#troubles.reduce(
      (sum, span) => sum + Math.max(0, Math.min(to, span.to + SLACK_MS) - Math.max(from, span.from)),
      0,
    )
  }
}

/** A stop in order finishes what is in hand, unless its time ran out. */
function endsWork({ kind, exitCode }: FaultRun): boolean {
  return FAULT_KINDS[kind].lane === 'worker' && !(kind === 'worker-term' && exitCode === 0)
}

function isRedisTrouble(kind: FaultRun['kind']): boolean {
  const { lane } = FAULT_KINDS[kind]
  return lane === 'redis' || lane === 'network'
}

function union(spans: readonly Span[]): Span[] {
  const merged: { from: number; to: number }[] = []
  for (const { from, to } of [...spans].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1)
    if (last !== undefined && from <= last.to + SLACK_MS) last.to = Math.max(last.to, to)
    else merged.push({ from, to })
  }
  return merged
}

/** Takes the request and never answers. */
function isMute(behaviour: Behaviour): boolean {
  return behaviour === 'hang' || behaviour === 'silent'
}
