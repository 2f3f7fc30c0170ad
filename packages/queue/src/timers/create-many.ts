import type { Created, Log, NewTimerRequest } from '@timers/core'
import { ANSWER_TIMEOUT_MS } from '../shards/redis-client.ts'
import type { Shard } from '../shards/shards.ts'
import { born, createdBy, type Unborn, unborn } from './creation.ts'
import { doubted } from './refusal.ts'
import { toStoreError } from './store-error.ts'
import { idsTaken, MOST_IDS, type TimerCreator } from './timer-creator.ts'
import type { Item, Run, Together } from './together.ts'

/** Most timers of one step of Redis: half a millisecond of its time. */
const MOST_A_STEP = 50

export interface CreateManyDeps {
  readonly creator: TimerCreator
  readonly together: Together
  readonly log: Log
}

/** One request, as it is to be stored, and the id it has for now. */
interface Birth {
  readonly item: Item<NewTimerRequest>
  readonly timer: Unborn
  readonly id: number
}

/**
 * Creates many timers together: their ids in one block a shard, and some of them in each step of Redis. Those with the same
 * key or idempotency key come to their shard in the order in which they were given.
 */
export function createMany(
  requests: readonly NewTimerRequest[],
  deps: CreateManyDeps,
): Promise<readonly (Created | Error)[]> {
  const { creator, together } = deps
  const shardOf = (request: NewTimerRequest) => creator.shardFor(request)
  return together.all<NewTimerRequest, Created>(
    requests,
    ANSWER_TIMEOUT_MS,
    shardOf,
    async (shard, items, run) => {
      let ids: readonly number[]
      try {
        ids = await shard.takeIds(items.length)
      } catch (error) {
        for (const item of items) run.tell(item, toStoreError(error))
        return
      }
      const births = items.map((item, at) => ({ item, timer: unborn(item.thing), id: ids[at] as number }))
      await Promise.all(stepsOf(births).map((some) => run.step(() => createSome(shard, some, run, deps))))
    },
  )
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
  run: Run<Created>,
  { creator, log }: CreateManyDeps,
): Promise<void> {
  const { losses } = shard
  let left = await guarded(shard, births, run, creator)
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
  shard: Shard,
  births: readonly Birth[],
  run: Run<Created>,
  creator: TimerCreator,
): Promise<readonly Birth[]> {
  if (!births.some(({ item }) => mayNeedGuard(item.thing))) return births
  const free = await Promise.all(
    births.map(async ({ item }) => {
      try {
        await creator.guard(shard, item.thing)
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
  run: Run<Created>,
  creator: TimerCreator,
): Promise<Birth[]> {
  const now = Date.now()
  const timers = births.map(({ timer, item, id }) => born(timer, item.thing.draft, id, now))
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
    try {
      // In doubt, seldom: it is looked into as for a timer that is created alone.
      run.tell(
        item,
        answer.kind === 'doubt'
          ? await creator.create(shard, item.thing)
          : createdBy(item.thing, timer, answer),
      )
    } catch (error) {
      run.tell(item, toStoreError(error))
    }
  }
  return left
}
