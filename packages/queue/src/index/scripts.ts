import type { Redis } from 'ioredis'
import { loadScript } from '../timers/scripts.ts'

type Args = (string | number)[]

/** A list of a script's reply: texts and whole numbers. */
export type Flat = readonly (string | number)[]

type CountReply = [sizes: number[], due: number, lowestDelayed: string, lowestHeld: string, inHand: Flat]

/** The scripts that look over a shard and change nothing. Their contracts stand at their heads, in `lua/`. */
interface Scripts {
  timersPage(numberOfKeys: number, ...args: Args): Promise<Flat[]>
  timersHands(...args: Args): Promise<Flat>
  timersCount(numberOfKeys: number, ...args: Args): Promise<CountReply>
  timersForecast(...args: Args): Promise<number[]>
}

const SCRIPTS = [
  ['timersPage', undefined, loadScript('page')],
  ['timersHands', 3, loadScript('hands', 'in-hand')],
  ['timersCount', undefined, loadScript('count', 'in-hand')],
  ['timersForecast', 1, loadScript('forecast')],
] as const

/** The connection, as one that knows these scripts. */
export function withScripts(redis: Redis): Redis & Scripts {
  for (const [name, numberOfKeys, lua] of SCRIPTS) {
    if (!(name in redis))
      redis.defineCommand(name, { lua, ...(numberOfKeys !== undefined && { numberOfKeys }) })
  }
  return redis as Redis & Scripts
}
