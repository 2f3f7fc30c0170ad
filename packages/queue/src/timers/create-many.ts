import { type Created, type Log, type NewTimerRequest, TimerError } from '@timers/core'
import { ANSWER_TIMEOUT_MS } from '../shards/redis-client.ts'
import type { Shard } from '../shards/shards.ts'
import { born, createdBy, type Unborn, unborn } from './creation.ts'
import { doubted } from './refusal.ts'
import { toStoreError } from './store-error.ts'
import type { Item, Run, Together } from './together.ts'

/** Most timers of one step of Redis: half a millisecond of its time. */
const MOST_A_STEP = 50
/** How many ids are tried where Redis hands out some that are taken (after a failover), before it is given up. */
const MOST_IDS = 3

export interface CreateManyDeps {
  readonly together: Together
  readonly shardFor: (request: NewTimerRequest) => Shard
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
 * key or idempotency key lie in the same shard, and come there in the order in which they were given.
 */
export function createMany(
  requests: readonly NewTimerRequest[],
  { together, shardFor, log }: CreateManyDeps,
): Promise<readonly (Created | Error)[]> {
  return together.all<NewTimerRequest, Created>(
    requests,
    ANSWER_TIMEOUT_MS,
    shardFor,
    async (shard, items, run) => {
      let ids: readonly number[]
      try {
        ids = await shard.takeIds(items.length)
      } catch (error) {
        for (const item of items) run.tell(item, toStoreError(error))
        return
      }
      const births = items.map((item, at) => ({ item, timer: unborn(item.thing), id: ids[at] as number }))
      await Promise.all(stepsOf(births).map((some) => run.step(() => createSome(shard, some, run, log))))
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
  log: Log,
): Promise<void> {
  const { losses } = shard
  let left = births
  try {
    for (let tries = 0; tries < MOST_IDS; tries += 1) {
      left = await createOnce(shard, left, run)
      if (left.length === 0) return
      log.error({ timers: left.length }, 'redis handed out ids that are taken: has it lost its last writes?')
      const ids = await shard.takeIds(left.length)
      left = left.map((birth, at) => ({ ...birth, id: ids[at] as number }))
    }
    throw new TimerError('STORE_REFUSED', 'Redis hands out ids that are taken')
  } catch (error) {
    for (const { item } of left) run.tell(item, doubted(error, shard, losses))
  }
}

/** @returns those whose ids are taken */
async function createOnce(shard: Shard, births: readonly Birth[], run: Run<Created>): Promise<Birth[]> {
  const now = Date.now()
  const timers = births.map(({ timer, item, id }) => born(timer, item.thing.draft, id, now))
  const answers = await shard.clients.createMany(timers)
  const left: Birth[] = []
  for (const [at, timer] of timers.entries()) {
    const birth = births[at] as Birth
    const { item } = birth
    try {
      const created = createdBy(item.thing, timer, answers.get(at) ?? { kind: 'stored' })
      if (created === undefined) left.push(birth)
      else run.tell(item, created)
    } catch (error) {
      run.tell(item, error as Error)
    }
  }
  return left
}
