import type { Acted } from '@timers/core'
import type { Shard, Shards } from '../shards/shards.ts'
import { answer } from './answer.ts'
import type { ChangeAnswer, Subject } from './client-commands.ts'
import { doubted, refusalOf } from './refusal.ts'
import type { Item, Run, Together } from './together.ts'

/** Commands of one step: a millisecond of Redis. */
const MOST_A_STEP = 25

/** A command on one of many timers, and its place among them. */
export type ChangeOne = (shard: Shard, subject: Subject, place: number) => Promise<ChangeAnswer>

interface ChangeManyOptions {
  readonly together: Together
  readonly shards: Shards
  readonly withinMs: number
  readonly command: ChangeOne
}

/**
 * Does a command on each of many timers: each is a step of Redis by itself, and some go out together. Those that are missing are
 * looked for once more where there turn out to be more shards than this process knew.
 */
export async function changeMany(
  subjects: readonly Subject[],
  options: ChangeManyOptions,
): Promise<readonly Acted[]> {
  const { shards, withinMs, command } = options
  const until = performance.now() + withinMs
  const { version } = shards.layouts
  const acted = [...(await changeKnown(subjects, options))]
  const missing = [...acted.keys()].filter((place) => acted[place] === 'missing')
  if (missing.length === 0) return acted
  let again: readonly Acted[]
  try {
    if (!(await answer(() => shards.isNews(version), until - performance.now()))) return acted
    again = await changeKnown(
      missing.map((place) => subjects[place] as Subject),
      {
        ...options,
        withinMs: until - performance.now(),
        command: (shard, subject, at) => command(shard, subject, missing[at] as number),
      },
    )
  } catch (error) {
    // Nobody knows whether they are there.
    again = missing.map(() => error as Error)
  }
  for (const [at, place] of missing.entries()) acted[place] = again[at] as Acted
  return acted
}

function changeKnown(
  subjects: readonly Subject[],
  { together, shards, withinMs, command }: ChangeManyOptions,
): Promise<readonly Acted[]> {
  const shardOf = ({ id }: Subject) => shards.of(id)
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
