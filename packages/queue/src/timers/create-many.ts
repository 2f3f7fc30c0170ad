import { setTimeout as sleep } from 'node:timers/promises'
import type { Created, Log, NewTimerRequest } from '@timers/core'
import { ANSWER_TIMEOUT_MS } from '../nodes/redis-client.ts'
import { isMoved, type Moved, type Shard } from '../shards/shards.ts'
import { born, createdBy, idempotencyWord, keyWord, type Unborn, unborn } from './creation.ts'
import { doubted } from './refusal.ts'
import { toStoreError, unavailable } from './store-error.ts'
import { idsTaken, MOST_IDS, type Site, type TimerCreator } from './timer-creator.ts'
import type { Item, Run, Together } from './together.ts'

/** How long a batch may take here: reading a thousand timers, judging and answering them belongs to the two seconds, too. */
const WITHIN_MS = ANSWER_TIMEOUT_MS - 200
/** Most timers of one step of Redis: half a millisecond of its time. */
const MOST_A_STEP = 50
/** How often it is looked for more shards, where all homes of a word say that it has moved. */
const MOST_LOOKS = 2

export interface CreateManyDeps {
  readonly creator: TimerCreator
  readonly together: Together
  readonly log: Log
}

/** A request, the site at which it is tried, and those that come after it. */
interface Sited {
  readonly place: number
  readonly request: NewTimerRequest
  readonly site: Site
  readonly later: readonly Site[]
}

/** One request, as it is to be stored, and the id it has for now. */
interface Birth {
  readonly item: Item<Sited>
  readonly timer: Unborn
  readonly id: number
}

/**
 * Creates many timers together: their ids in one block a shard, and some of them in each step of Redis. Those with the same
 * key or idempotency key come one after the other, in the order in which they were given.
 */
export async function createMany(
  requests: readonly NewTimerRequest[],
  deps: CreateManyDeps,
): Promise<readonly (Created | Error)[]> {
  const until = performance.now() + WITHIN_MS
  const results: (Created | Error)[] = []
  for (const wave of wavesOf(requests)) {
    const tell = (place: number, result: Created | Error) => {
      results[place] = result
    }
    const asked = wave.map((place) => ({ place, request: requests[place] as NewTimerRequest }))
    await createWave(asked, until, tell, deps)
  }
  return results
}

/** From site to site, where a word is told to have its home elsewhere. */
async function createWave(
  asked: readonly Pick<Sited, 'place' | 'request'>[],
  until: number,
  tell: (place: number, result: Created | Error) => void,
  deps: CreateManyDeps,
): Promise<void> {
  const { creator } = deps
  const toSites = (each: Pick<Sited, 'place' | 'request'>): Sited => {
    const [site, ...later] = creator.sitesFor(each.request)
    return { ...each, site, later }
  }
  let sited = asked.map(toSites)
  for (let looks = 0; sited.length > 0; ) {
    const outcomes = await createTogether(sited, until - performance.now(), deps)
    const moved = sited.filter((_, at) => isMoved(outcomes[at] as object))
    for (const [at, { place }] of sited.entries()) {
      const outcome = outcomes[at] as Created | Error | Moved
      if (isMoved(outcome)) creator.moved(outcome)
      else tell(place, outcome)
    }
    const isOver = moved.some(({ later }) => later.length === 0)
    if (isOver && ++looks > MOST_LOOKS) {
      for (const { place } of moved) tell(place, unavailable())
      return
    }
    if (isOver) await lookAgain(creator, until - performance.now())
    sited = moved.map((each) => {
      const [site, ...later] = each.later
      return site === undefined || isOver ? toSites(each) : { ...each, site, later }
    })
  }
}

/** Where it fails, the next try says so. */
async function lookAgain(creator: TimerCreator, withinMs: number): Promise<void> {
  const looked = creator.lookAgain().catch(() => {})
  await Promise.race([looked, sleep(Math.max(0, withinMs), undefined, { ref: false })])
}

/**
 * Places, in waves: each after all before it that have its key or its idempotency key. Nearly always it is one wave.
 */
function wavesOf(requests: readonly NewTimerRequest[]): number[][] {
  const free: number[] = []
  const waves = [free]
  const last = new Map<string, number>()
  for (const [place, { draft, idempotency }] of requests.entries()) {
    if (draft.key === undefined && idempotency === undefined) {
      free.push(place)
      continue
    }
    const words = [
      ...(draft.key === undefined ? [] : [keyWord(draft.owner, draft.key)]),
      ...(idempotency === undefined ? [] : [idempotencyWord(draft.owner, idempotency.key)]),
    ]
    const wave = Math.max(0, ...words.map((word) => (last.get(word) ?? -1) + 1))
    for (const word of words) last.set(word, wave)
    const places = waves[wave]
    if (places === undefined) waves.push([place])
    else places.push(place)
  }
  return waves
}

function createTogether(
  sited: readonly Sited[],
  withinMs: number,
  deps: CreateManyDeps,
): Promise<readonly (Created | Error | Moved)[]> {
  const shardOf = ({ site }: Sited) => site.shard
  return deps.together.all<Sited, Created | Moved>(sited, withinMs, shardOf, async (shard, items, run) => {
    let ids: readonly number[]
    try {
      ids = await shard.takeIds(items.length)
    } catch (error) {
      for (const item of items) run.tell(item, toStoreError(error))
      return
    }
    const births = items.map((item, at) => ({
      item,
      timer: unborn(item.thing.request),
      id: ids[at] as number,
    }))
    await Promise.all(stepsOf(births).map((some) => run.step(() => createSome(shard, some, run, deps))))
  })
}

/** Parts of the list in its order, of so many at most, and each of one owner's. */
function stepsOf(births: readonly Birth[]): Birth[][] {
  const steps: Birth[][] = []
  for (const birth of births) {
    const step = steps.at(-1)
    if (step !== undefined && step.length < MOST_A_STEP && step[0]?.timer.owner === birth.timer.owner) {
      step.push(birth)
    } else steps.push([birth])
  }
  return steps
}

async function createSome(
  shard: Shard,
  births: readonly Birth[],
  run: Run<Created | Moved>,
  { creator, log }: CreateManyDeps,
): Promise<void> {
  const { losses } = shard
  let left = await guarded(births, run, creator)
  try {
    for (let tries = 0; tries < MOST_IDS; tries += 1) {
      left = await createOnce(shard, left, run, creator)
      if (left.length === 0) return
      log.error({ timers: left.length }, 'redis handed out ids that are taken: has it lost its last writes?')
      const ids = await shard.takeIds(left.length)
      left = left.map((birth, at) => ({ ...birth, id: ids[at] as number }))
    }
    throw idsTaken()
  } catch (error) {
    for (const { item } of left) run.tell(item, doubted(error, shard, losses))
  }
}

/** Those that no other request stands in the way of; of the rest it is told. */
async function guarded(
  births: readonly Birth[],
  run: Run<Created | Moved>,
  creator: TimerCreator,
): Promise<readonly Birth[]> {
  if (!births.some(({ item }) => mayNeedGuard(item.thing.request))) return births
  const free = await Promise.all(
    births.map(async ({ item }) => {
      try {
        await creator.guard(item.thing.site, item.thing.request)
        return true
      } catch (error) {
        run.tell(item, toStoreError(error))
        return false
      }
    }),
  )
  return births.filter((_, at) => free[at])
}

function mayNeedGuard({ draft, idempotency }: NewTimerRequest): boolean {
  return draft.key !== undefined && idempotency !== undefined
}

/** @returns those whose ids are taken */
async function createOnce(
  shard: Shard,
  births: readonly Birth[],
  run: Run<Created | Moved>,
  creator: TimerCreator,
): Promise<Birth[]> {
  const now = Date.now()
  const timers = births.map(({ timer, item: { thing }, id }) =>
    born(timer, thing.request.draft, id, now, thing.site.upTo),
  )
  const answers = await shard.clients.createMany(timers)
  const left: Birth[] = []
  for (const [at, timer] of timers.entries()) {
    const birth = births[at] as Birth
    const { item } = birth
    const answer = answers.get(at) ?? { kind: 'stored' }
    if (answer.kind === 'id taken') {
      left.push(birth)
      continue
    }
    if (answer.kind === 'moved') {
      run.tell(item, answer)
      continue
    }
    try {
      // In doubt, seldom: it is looked into as for a timer that is created alone.
      run.tell(
        item,
        answer.kind === 'doubt'
          ? await creator.create(item.thing.request)
          : createdBy(item.thing.request, timer, answer),
      )
    } catch (error) {
      run.tell(item, toStoreError(error))
    }
  }
  return left
}
