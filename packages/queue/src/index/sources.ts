import { DEFAULT_OWNER, TIMER_STATUSES, type TimerFilter, type TimerStatus } from '@timers/core'
import type { ShardKeys } from '../shards/shard-keys.ts'

/** A sorted set in the order of due times. */
export interface Source {
  readonly key: string
  /** Its score for one millisecond. */
  readonly perMs: 1 | 0x1000
  /** Sorted sets: what is in one of them is not looked for here. */
  readonly except: readonly string[]
}

/** Where all timers that pass a filter lie. One may lie in two of them, at the same place, and others lie there too. */
export interface Sources {
  readonly sets: readonly Source[]
  /** Whether they may also wait for a worker, or be in the hands of one. */
  readonly inHand: boolean
}

/**
 * Chooses the fewest sets for a filter. Callbacks are in none of them.
 *
 * Unfinished timers lie in `delayed`, by the time at which they wake up: those that are held back or wait for a retry wake up
 * later than they were due, and are looked for in `held` and `retries`. With a label they lie in a set of its own.
 */
export function sourcesOf(filter: TimerFilter, { key, held }: ShardKeys): Sources {
  const wanted = (status: TimerStatus) => (filter.statuses ?? TIMER_STATUSES).includes(status)
  const outbox = key('outbox')
  const byDue = (name: string, ...except: string[]): Source => ({
    key: key(name),
    perMs: 1,
    except: [...except, outbox],
  })
  const unwanted = (...statuses: TimerStatus[]) => statuses.filter((status) => !wanted(status)).map(key)
  const sets: Source[] = []

  if (filter.label !== undefined && (wanted('pending') || wanted('firing'))) {
    sets.push(byDue(`l:${ownerPart(filter.owner)}:${filter.label}`))
  } else if (wanted('pending')) {
    sets.push({ key: key('delayed'), perMs: 0x1000, except: [held, key('retries'), outbox] })
    sets.push({ key: held, perMs: 1, except: [outbox] }, byDue('retries'))
  }
  if (wanted('fired')) sets.push(byDue('completed', ...unwanted('cancelled')))
  else if (wanted('cancelled')) sets.push(byDue('cancelled'))
  if (wanted('failed')) sets.push(byDue('failed', ...unwanted('unknown', 'expired')))
  else sets.push(...(['unknown', 'expired'] as const).filter(wanted).map((name) => byDue(name)))

  return { sets, inHand: filter.label === undefined && (wanted('pending') || wanted('firing')) }
}

/** As it stands in names of keys: the default owner costs nothing. */
function ownerPart(owner: string | undefined): string {
  return owner === undefined || owner === DEFAULT_OWNER ? '' : owner
}
