import type { Change, Creation, Miss, Redrive, Sweep, Telling } from './answers.ts'
import type { CallbackSighting, Sighting } from './sightings.ts'
import type { AttemptView, TimerView } from './timer-view.ts'

/** What is known of a run when it is over. Instants are epoch milliseconds. */
export interface Evidence {
  /** The clients' log. */
  readonly creations: readonly Creation[]
  /** The clients' log of timers that were made due again. */
  readonly redrives?: readonly Redrive[]
  /** What clients were told of timers when they looked. */
  readonly tellings?: readonly Telling[]
  /** What clients looked for and did not find. */
  readonly misses?: readonly Miss[]
  /** The clients' log of changes of single timers. */
  readonly changes?: readonly Change[]
  /** The clients' log of what was asked for many timers at a time. */
  readonly sweeps?: readonly Sweep[]
  /** The receivers' log. */
  readonly sightings: readonly Sighting[]
  /** The log of those who are called back. */
  readonly callbacks?: readonly CallbackSighting[]
  /** Final statuses of which the operator wants to be told, of all timers. Default: none. */
  readonly operatorOn?: readonly string[]
  /** Timers of which something is still to be told, later than anybody waited for. */
  readonly stillToTell?: ReadonlySet<number>
  /** What the API says in the end of every timer that was acknowledged, seen or listed, by id. 404 leaves it out. */
  readonly views: ReadonlyMap<number, TimerView>
  /** What the list showed in the end, page after page. */
  readonly lists?: readonly Listed[]
  /** How many timers of each status there are said to be in the end. */
  readonly counts?: Readonly<Record<string, number>>
  /**
   * Why an attempt that was not delivered may have come to nothing: words, or undefined where there is no excuse. Without
   * it nobody asks: the test knows what it has broken. What was not sent in time counts as an attempt that `expired`.
   */
  readonly explain?: (attempt: AttemptView, creation: Creation) => string | undefined
  /** How late a timer may be seen where nothing is broken any more; undefined where its receiver is no good. */
  readonly promptWithinMs?: (creation: Creation) => number | undefined
  /**
   * For how long the Redis of a timer could by itself not have served it between two instants, in milliseconds; undefined where
   * something else was broken too, and nobody can say how late it may be.
   */
  readonly unservedMs?: (id: number, from: number, to: number) => number | undefined
  /** Whether a failover may have forgotten the outcome of a timer's attempt, which replicas are not waited for. Default: never. */
  readonly mayForget?: (id: number, attempt: AttemptView) => boolean
  /** From when on nothing was broken any more. Default: never. */
  readonly healedAt?: number
  /** Up to when planned attempts were waited for: what is planned for later may still be pending. Default: for ever. */
  readonly restAt?: number
}

/** Timers as the list gave them: all, or those with a status or a label. */
export interface Listed extends ListFilter {
  readonly ids: readonly number[]
}

export interface ListFilter {
  readonly status?: string
  readonly label?: string
}

/** How long after the last fault the service may take to recover by itself. */
export const RECOVERED_AFTER_MS = 8_000
