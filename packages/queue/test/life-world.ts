import type { Expected } from './life-model.ts'
import { Life } from './life-model.ts'
import type { Rig } from './rig.ts'

const HOUR = 3_600_000

/** What may be done, with small numbers that choose among what there is. */
export type Step =
  | {
      do: 'create'
      key: number
      late: boolean
      again: boolean
      expires: boolean
      told: boolean
      labels: string
    }
  | { do: 'upsert'; key: number; late: boolean; keep: 'all' | 'due' | 'none'; labels: string }
  | {
      do: 'change'
      of: number
      to: 'past' | 'future' | 'same'
      labels: string | undefined
      expires: boolean | undefined
      keyed: boolean
    }
  | { do: 'redrive'; of: number; keyed: boolean }
  | { do: 'hand on a key'; key: number; keep: 'all' | 'due' | 'none' }
  | { do: 'cancel'; of: number }
  | { do: 'resolve'; of: number; as: 'fired' | 'failed' }
  | { do: 'send again'; of: number }
  | { do: 'take' | 'work'; worker: number }
  | { do: 'claim' | 'rest' | 'give up'; of: number }
  | { do: 'defer'; of: number; held: boolean; late: boolean }
  | {
      do: 'settle'
      of: number
      outcome: 'delivered' | 'rejected' | 'never sent' | 'ambiguous'
      late: boolean
    }
  | { do: 'lose'; of: number }
  | { do: 'look for lost ones' }
  | { do: 'sweep' }

/** Most often one of the last: it is what is done to one timer one after the other that matters. */
export function recent<T>(things: readonly T[], of: number): T | undefined {
  return things[things.length - 1 - (of % Math.min(things.length, of < 6 ? 2 : 5))]
}

export function dueAtOf(late: boolean): number {
  return late ? Date.now() + HOUR : Date.now() - 5_000
}

/** What clients and workers have in common: a Redis, the model of what must be in it, and what was sent. */
export class World {
  readonly rig: Rig
  readonly life = new Life()
  /** Each sends something again that was sent before. */
  readonly sent: (() => Promise<void>)[] = []
  #words = 0

  constructor(rig: Rig) {
    this.rig = rig
  }

  newWord(): string {
    this.#words += 1
    return `word${this.#words}`
  }

  timer(of: number, isOne: (timer: Expected) => boolean = () => true): Expected | undefined {
    return recent(
      [...this.life.timers.values()].filter((timer) => !timer.gone && isOne(timer)),
      of,
    )
  }

  /** Whether it is at the place of a finished timer. */
  async rests({ id }: Pick<Expected, 'id'>): Promise<boolean> {
    const [place] = await this.rig.places(id)
    return place === 'completed' || place === 'failed'
  }
}
