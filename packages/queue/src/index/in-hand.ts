import type { Shard } from '../shards/shards.ts'
import type { Place } from './place.ts'
import { type Flat, withScripts } from './scripts.ts'

/** Jobs that one look reads: well below 2 ms. */
export const LOOK = 200
/** How many of the last look's are looked at again: those that go meanwhile let others move up. */
const OVERLAP = 50

/** A timer that waits for a worker, or is in the hands of one. */
export interface InHand extends Place {
  /** Since when it is due, or due again, epoch ms. */
  readonly since: number
  readonly firing: boolean
  /** Whether it stands among those that were held back. */
  readonly held: boolean
  readonly isCallback: boolean
}

/** All that wait for a worker or are in the hands of one: never many beside those that wait for their time. */
export async function readInHand(shard: Shard): Promise<InHand[]> {
  return readOn(shard, await lookAt(shard, 0))
}

/** The rest, where the first look has told this much. */
export async function readOn(shard: Shard, first: Flat): Promise<InHand[]> {
  const found = new Map(toHands(first).map((hand) => [hand.jobId, hand]))
  let length = Number(first[0])
  for (let from = LOOK; from < length; from += LOOK - OVERLAP) {
    const flat = await lookAt(shard, from - OVERLAP)
    length = Number(flat[0])
    for (const hand of toHands(flat)) found.set(hand.jobId, hand)
  }
  return [...found.values()]
}

/** Keys of the lists and of what is to be known of those in them, as the scripts take them. */
export function handKeys({ keys: { key, held } }: Shard): string[] {
  return [key('wait'), key('active'), held]
}

function lookAt(shard: Shard, from: number): Promise<Flat> {
  return withScripts(shard.reads).timersHands(...handKeys(shard), shard.keys.key(''), from, LOOK)
}

function toHands([, ...flat]: Flat): InHand[] {
  const hands: InHand[] = []
  for (let at = 0; at < flat.length; at += 6) {
    const [jobId, dueAt, since, firing, held, callback] = flat.slice(at, at + 6)
    hands.push({
      jobId: String(jobId),
      dueAt: Number(dueAt),
      since: Number(since),
      firing: firing === 1,
      held: held === 1,
      isCallback: callback === 1,
    })
  }
  return hands
}
