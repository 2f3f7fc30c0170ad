import type { Acted } from '@timers/core'
import type { Shard } from '../shards/shards.ts'
import type { ChangeAnswer, Subject } from './client-commands.ts'
import { doubted, refusalOf } from './refusal.ts'
import type { Item, Run, Together } from './together.ts'

/** Commands of one step: a millisecond of Redis. */
const MOST_A_STEP = 25

/** A command on one of many timers, and its place among them. */
export type ChangeOne = (shard: Shard, subject: Subject, place: number) => Promise<ChangeAnswer>

/** Does a command on each of many timers: each is a step of Redis by itself, and some go out together. */
export function changeMany(
  subjects: readonly Subject[],
  options: {
    readonly together: Together
    readonly shardOf: (subject: Subject) => Shard
    readonly withinMs: number
    readonly command: ChangeOne
  },
): Promise<readonly Acted[]> {
  const { together, shardOf, withinMs, command } = options
  return together.all<Subject, Acted>(subjects, withinMs, shardOf, (shard, items, run) => {
    const steps: Promise<void>[] = []
    for (let from = 0; from < items.length; from += MOST_A_STEP) {
      const some = items.slice(from, from + MOST_A_STEP)
      steps.push(run.step(() => changeSome(shard, some, run, command)))
    }
    return Promise.all(steps)
  })
}

async function changeSome(
  shard: Shard,
  items: readonly Item<Subject>[],
  run: Run<Acted>,
  command: ChangeOne,
): Promise<void> {
  const { losses } = shard
  await Promise.all(
    items.map(async (item) => {
      try {
        const answer = await command(shard, item.thing, item.place)
        if (answer.kind === 'missing') run.tell(item, 'missing')
        else if ('hash' in answer) run.tell(item, 'done')
        else run.tell(item, refusalOf(answer))
      } catch (error) {
        run.tell(item, doubted(error, shard, losses))
      }
    }),
  )
}
