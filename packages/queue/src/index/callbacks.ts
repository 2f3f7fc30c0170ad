import type { Shard } from '../shards/shards.ts'

/** Members that are looked at in one command. */
const LOOK = 250

/** Job ids of the callbacks that were not delivered, in small parts: they lie among the timers, and are none of a client's. */
export async function* undelivered({ reads, keys }: Shard): AsyncGenerator<string[]> {
  for (let from = 0; ; from += LOOK) {
    const ids = await reads.zrange(keys.key('outbox'), from, `${from + LOOK - 1}`)
    if (ids.length > 0) yield ids
    if (ids.length < LOOK) return
  }
}

/** Scores of the members of a set that are among `ids`. */
export async function scoresIn(
  { reads, keys }: Shard,
  set: string,
  ids: readonly string[],
): Promise<number[]> {
  const scores = await reads.zmscore(keys.key(set), ...ids)
  return scores.flatMap((score) => (score === null ? [] : [Number(score)]))
}
