import type { PlannedCreate } from './load-plan.ts'
import { Random } from './random.ts'

/** What clients do with a timer beside creating it. */
export interface Life {
  /** Clients that send the same create at the same time, with one idempotency key; 0: one, without a key. */
  readonly sameCreates: number
  /** The same create once more, so long after it is due. */
  readonly replayAfterMs: number | undefined
  /** Seconds after which it expires. */
  readonly expiresIn: number | undefined
  /** Whether somebody wants to be called back. */
  readonly callback: boolean
  /** Label for those that are sent again all at once. */
  readonly label: string | undefined
  /** In this order. */
  readonly steps: readonly Step[]
}

/** What clients want of a timer at one moment, each at an API of its own. */
interface Step {
  /** After the due time as it was told last. */
  readonly fromDueMs: number
  readonly wishes: readonly ChangeWish[]
}

export interface ChangeWish {
  readonly kind: 'cancel' | 'content' | 'time' | 'both' | 'fire'
  /** A new time so long after the request, for `time` and `both`. */
  readonly seconds: number
  /** As an instant. */
  readonly asInstant: boolean
  /** With an idempotency key that all of the step have in common, for `fire`. */
  readonly isKeyed: boolean
}

type Story = 'plain' | 'cancelled' | 'edited' | 'moved' | 'fired' | 'raced' | 'busy'

const STORIES: Readonly<Record<Story, number>> = {
  plain: 46,
  cancelled: 15,
  edited: 9,
  moved: 11,
  fired: 5,
  raced: 8,
  busy: 6,
}
const KINDS = { cancel: 2, content: 4, time: 4, both: 3, fire: 1 } as const
/** Timers that are due within so long have one label. */
export const LABEL_EVERY_MS = 10_000

/** What becomes of each timer, from the seed alone. */
export function planLives(seed: string, creates: readonly PlannedCreate[]): PlannedCreate[] {
  const random = new Random(seed, 'lives')
  return creates.map((create) => {
    const life = planLife(create, random)
    // A crowd is a crowd: all alike.
    return create.isCrowd ? create : { ...create, life }
  })
}

function planLife({ atMs, behaviour }: PlannedCreate, random: Random): Life {
  const isKeyed = random.next() < 0.3
  const sameCreates = isKeyed ? random.integer(1, 3) : 0
  const again = random.next() < 0.3 ? random.integer(-500, 4_000) : undefined
  const expiresIn = random.next() < 0.1 ? random.integer(1, 8) : undefined
  const callback = random.next() < 0.3
  const steps = planSteps(random)
  const isLabelled = behaviour === 'broken' || behaviour === 'error'
  return {
    sameCreates,
    replayAfterMs: isKeyed ? again : undefined,
    expiresIn,
    callback,
    label: isLabelled ? `again-${Math.floor(atMs / LABEL_EVERY_MS)}` : undefined,
    steps,
  }
}

function planSteps(random: Random): Step[] {
  const story = random.weighted(STORIES)
  switch (story) {
    case 'plain':
      return []
    case 'cancelled':
      return [step(random, ...clients(random, 'cancel'))]
    case 'edited':
      return [step(random, ...clients(random, 'content'))]
    case 'moved':
      return [step(random, wish(random, random.pick(['time', 'both'])))]
    case 'fired':
      return [step(random, ...clients(random, 'fire'))]
    case 'raced':
      return [step(random, ...Array.from({ length: random.integer(2, 3) }, () => any(random)))]
    case 'busy':
      return Array.from({ length: random.integer(2, 4) }, () => step(random, any(random)))
  }
}

/** Half of all at the very moment at which the timer is due. */
function step(random: Random, ...wishes: ChangeWish[]): Step {
  const isClose = random.next() < 0.5
  return { fromDueMs: isClose ? random.integer(-60, 30) : -random.integer(100, 5_000), wishes }
}

function clients(random: Random, kind: ChangeWish['kind']): ChangeWish[] {
  const one = wish(random, kind)
  return Array.from({ length: random.integer(1, 3) }, () => one)
}

function any(random: Random): ChangeWish {
  return wish(random, random.weighted(KINDS))
}

function wish(random: Random, kind: ChangeWish['kind']): ChangeWish {
  return {
    kind,
    seconds: random.integer(1, 9),
    asInstant: random.next() < 0.3,
    isKeyed: random.next() < 0.5,
  }
}
