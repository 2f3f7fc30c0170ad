import { MOST_SHARDS } from '@timers/core'
import type { ShardKeys } from '../shards/shard-keys.ts'
import { slotOf } from './slot-of.ts'

/** A primary, and the ranges of slots that it serves, both ends included. */
export interface SlotOwner {
  readonly name: string
  readonly slots: readonly (readonly [first: number, last: number])[]
  /** How many of its slots are on their way to or from another one. */
  readonly moving: number
  /** Whether the others hold it for dead, or may do so soon. */
  readonly failing: boolean
}

/** Which shards a primary has. */
export interface NodeShards {
  /** Its address; `redis` where there is one only. */
  readonly node: string
  /** Their numbers. */
  readonly shards: readonly number[]
  /** How many of its slots are on their way to or from another one. */
  readonly movingSlots: number
}

/** How the shards are spread over the primaries. */
export interface ShardSpread {
  /** All primaries that serve slots, also those without a shard. */
  readonly nodes: readonly NodeShards[]
  /** Numbers of the shards that no primary serves, or one that is held for dead. */
  readonly unserved: readonly number[]
  /** What to write for an even spread; undefined where it is even enough. */
  readonly advice: string | undefined
}

/** A primary that has this much more than its share is worth a word, and one with this much is not. */
const UNEVEN = 1.5
const EVEN = 1.25

/**
 * How the shards are spread over the primaries of a cluster. Their slots follow from their numbers, so few shards may well
 * lie on few primaries, and what helps can be told: more shards.
 */
export function spreadOf(
  shards: readonly Pick<ShardKeys, 'key'>[],
  owners: readonly SlotOwner[],
): ShardSpread {
  const placed = shards.map((shard, index) => ({ index, owner: ownerOf(slotOf(shard.key('')), owners) }))
  const nodes = owners.map((owner) => ({
    node: owner.name,
    shards: placed.filter((each) => each.owner === owner).map(({ index }) => index),
    movingSlots: owner.moving,
  }))
  const unserved = placed.filter(({ owner }) => owner?.failing ?? true).map(({ index }) => index)
  return {
    nodes,
    unserved,
    advice: adviceFor(
      shards.length,
      nodes.map((node) => node.shards.length),
      owners,
    ),
  }
}

function ownerOf(slot: number, owners: readonly SlotOwner[]): SlotOwner | undefined {
  return owners.find(({ slots }) => slots.some(([first, last]) => first <= slot && slot <= last))
}

function adviceFor(
  shards: number,
  counts: readonly number[],
  owners: readonly SlotOwner[],
): string | undefined {
  if (isWithin(counts, UNEVEN)) return undefined
  const better = nextEven(shards, owners)
  const [least, most] = [Math.min(...counts), Math.max(...counts)]
  const so =
    shards < counts.length
      ? `${shards} ${shards === 1 ? 'shard' : 'shards'} cannot use ${counts.length} primaries`
      : `of ${shards} shards one primary has ${most}, another one ${least}`
  const write =
    better === undefined
      ? 'move slots between the primaries'
      : `${better.shards} would be spread evenly, ${better.least} to ${better.most} each (npm run shards -- --grow ${better.shards}; where Redis is empty, TIMER_SHARDS=${better.shards})`
  return `${so}: ${write}`
}

/** The smallest larger number of shards that these owners of slots would share evenly. */
function nextEven(
  shards: number,
  owners: readonly SlotOwner[],
): { readonly shards: number; readonly least: number; readonly most: number } | undefined {
  const counts = new Map(owners.map((owner) => [owner, 0]))
  for (let index = 0; index < MOST_SHARDS; index += 1) {
    const owner = ownerOf(slotOf(`{${index}}`), owners)
    if (owner !== undefined) counts.set(owner, (counts.get(owner) ?? 0) + 1)
    const all = [...counts.values()]
    if (index + 1 <= shards || !isWithin(all, EVEN)) continue
    return { shards: index + 1, least: Math.min(...all), most: Math.max(...all) }
  }
  return undefined
}

/** Whether each has something, and none more than so many times its share. */
function isWithin(counts: readonly number[], times: number): boolean {
  if (counts.length < 2) return true
  return Math.min(...counts) > 0 && Math.max(...counts) <= (times * sum(counts)) / counts.length
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, each) => total + each, 0)
}
